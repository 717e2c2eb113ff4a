/* Expected values of debug compares, under the keys of the public challenge's
 * reference: [round, walker, "idx" | "val" | "node_val" | "hashed_val" | "next_idx"
 * | "wrapped_idx"] and [round, walker, "hash_stage", stage]. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/tree_hash/tree_hash.h"

const struct tree_hash_stage tree_hash_stages[TREE_STAGES] = {
    {OP_ALU_ADD, OP_ALU_ADD, OP_ALU_SHL, 0x7ED55D16, 12},
    {OP_ALU_XOR, OP_ALU_XOR, OP_ALU_SHR, 0xC761C23C, 19},
    {OP_ALU_ADD, OP_ALU_ADD, OP_ALU_SHL, 0x165667B1, 5},
    {OP_ALU_ADD, OP_ALU_XOR, OP_ALU_SHL, 0xD3A2646C, 9},
    {OP_ALU_ADD, OP_ALU_ADD, OP_ALU_SHL, 0xFD7046C5, 3},
    {OP_ALU_XOR, OP_ALU_XOR, OP_ALU_SHR, 0xB55A4F09, 16},
};

uint32_t tree_hash_stage_value(const struct tree_hash_stage *s, uint32_t a)
{
    const uint32_t left = isa_eval(s->op1, a, s->constant, 0, 0), right = isa_eval(s->op3, a, s->shift, 0, 0);
    return isa_eval(s->op2, left, right, 0, 0);
}

/* Appends the value of [round, walker, rest]. */
static bool add(struct kern_values *out, int64_t round, uint32_t walker, const char *rest, uint32_t value)
{
    char key[96];
    const int n = snprintf(key, sizeof key, "[%" PRId64 ",%" PRIu32 ",%s]", round, walker, rest);
    const char *copy = arena_text(&out->arena, key, (size_t)n);
    return copy && vec_push(&out->list, (struct sim_value){copy, value});
}

/* One step of one walker, as the reference takes it. */
static bool step(struct kern_values *out, int64_t round, uint32_t i, const struct kern_instance *p,
                 uint32_t *mem)
{
    const uint32_t nodes = p->arrays[1].words;
    uint32_t *index = mem + p->arrays[2].first + i, *value = mem + p->arrays[3].first + i;
    const uint32_t node = mem[p->arrays[1].first + *index];
    bool good = add(out, round, i, "\"idx\"", *index) && add(out, round, i, "\"val\"", *value) &&
                add(out, round, i, "\"node_val\"", node);
    uint32_t a = *value ^ node;
    for (unsigned s = 0; good && s < TREE_STAGES; s++) {
        char rest[32];
        a = tree_hash_stage_value(&tree_hash_stages[s], a);
        (void)snprintf(rest, sizeof rest, "\"hash_stage\",%u", s);
        good = add(out, round, i, rest, a);
    }
    const uint32_t next = 2 * *index + (a % 2 == 0 ? 1 : 2), wrapped = next >= nodes ? 0 : next;
    *value = a;
    *index = wrapped;
    return good && add(out, round, i, "\"hashed_val\"", a) && add(out, round, i, "\"next_idx\"", next) &&
           add(out, round, i, "\"wrapped_idx\"", wrapped);
}

bool tree_hash_values(const struct kern_instance *p, struct kern_values *out)
{
    uint32_t *mem = malloc(p->words * sizeof *mem);
    if (!mem)
        return false;
    memcpy(mem, p->image, p->words * sizeof *mem);
    bool good = true;
    for (int64_t round = 0; good && round < p->params.at[TREE_ROUNDS]; round++)
        for (uint32_t i = 0; good && i < p->arrays[3].words; i++)
            good = step(out, round, i, p, mem);
    free(mem);
    return good;
}
