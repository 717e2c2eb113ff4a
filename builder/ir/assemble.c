#include "builder/ir/assemble.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* uthash reports an allocation failure through this hook instead of exiting. */
#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) (*(oom) = true, (void)(element))
#include <uthash.h>

struct constant {
    UT_hash_handle hh;
    uint32_t value, address;
};

struct asmb {
    struct prog *prog;
    struct constant *constants; /* in prog's arena */
    VEC(struct isa_slot) open;  /* the open bundle's slots */
    uint32_t used;              /* scratch words */
    enum status status;         /* of the first error */
    struct diag diag;
};

struct asmb *asmb_create(const struct isa_machine *machine)
{
    struct asmb *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->prog = prog_create();
    if (!a->prog) {
        free(a);
        return NULL;
    }
    const struct isa_machine reference = a->prog->machine;
    a->prog->machine = *machine;
    a->prog->object_form = memcmp(&reference, machine, sizeof reference) != 0;
    if (isa_machine_waits(machine))
        a->status = diag_set(&a->diag, ST_INPUT,
                             "slots that run as they are written are written for latencies of one cycle");
    return a;
}

static bool good(const struct asmb *a)
{
    return a && a->status == ST_OK;
}

static void fail_memory(struct asmb *a)
{
    a->status = diag_set(&a->diag, ST_NOMEM, "out of memory for the program");
}

/* Appends a bundle of the given slots, engine by engine. */
static void append(struct asmb *a, const struct isa_slot *slots, size_t n)
{
    struct prog *p = a->prog;
    if (p->bundles.n >= PROG_MAX_BUNDLES) {
        a->status = diag_set(&a->diag, ST_LIMIT, "the program needs more than %d bundles", PROG_MAX_BUNDLES);
        return;
    }
    bool done = prog_add_bundle(p, 0);
    for (unsigned e = 0; e < ISA_ENGINES; e++) {
        uint32_t count = 0;
        for (size_t i = 0; i < n; i++) {
            if (slots[i].engine != e)
                continue;
            done = done && (count++ || prog_add_group(p, (enum isa_engine)e)) && prog_add_slot(p, slots[i]);
        }
        if (e != ENGINE_DEBUG && count > p->machine.slots[e] && good(a))
            a->status =
                diag_set(&a->diag, ST_LIMIT, "bundle %zu: %u %s slots, at most %u a cycle", p->bundles.n - 1,
                         count, isa_engine_name((enum isa_engine)e), p->machine.slots[e]);
    }
    if (!done && good(a))
        fail_memory(a);
}

static void close_bundle(struct asmb *a)
{
    if (a->open.n)
        append(a, a->open.at, a->open.n);
    a->open.n = 0;
}

uint32_t asmb_scratch(struct asmb *a, const char *name, uint32_t words)
{
    if (!good(a))
        return 0;
    const uint32_t address = a->used, size = a->prog->machine.scratch;
    if (words > size - address) {
        a->status = diag_set(&a->diag, ST_LIMIT, "`%s` needs %u words of scratch, %u of %u are left", name,
                             words, size - address, size);
        return 0;
    }
    a->used += words;
    if (!prog_add_name(a->prog, name, strlen(name), address, words))
        fail_memory(a);
    return address;
}

uint32_t asmb_const(struct asmb *a, uint32_t value)
{
    if (!good(a))
        return 0;
    struct constant *c;
    HASH_FIND(hh, a->constants, &value, sizeof value, c);
    if (c)
        return c->address;
    char name[16];
    (void)snprintf(name, sizeof name, value < 65536 ? "k%u" : "k0x%x", value);
    const uint32_t address = asmb_scratch(a, name, 1);
    if (!good(a))
        return 0;
    bool failed = false, *oom = &failed;
    c = arena_alloc(&a->prog->arena, sizeof *c);
    if (c) {
        c->value = value;
        c->address = address;
        HASH_ADD(hh, a->constants, value, sizeof c->value, c);
    }
    if (!c || failed)
        fail_memory(a);
    else
        append(a, &(struct isa_slot){OP_CONST, ENGINE_LOAD, {(int32_t)address}, value}, 1);
    return address;
}

void asmb_begin_bundle(struct asmb *a)
{
    if (good(a))
        close_bundle(a);
}

void asmb_slot_list(struct asmb *a, const int64_t *list, size_t n)
{
    if (!good(a))
        return;
    const struct isa_info *info = isa_info((enum isa_op)list[0]);
    assert(n == 1u + info->args);
    struct isa_slot s = {.op = (uint8_t)list[0], .engine = (uint8_t)info->engine};
    for (unsigned i = 0; i + 1 < n; i++) {
        assert(info->role[i] < ROLE_KEY);
        if (isa_role_is_address(info->role[i]))
            s.arg[i] = (int32_t)list[i + 1];
        else
            s.literal = list[i + 1];
    }
    if (!vec_push(&a->open, s))
        fail_memory(a);
}

enum status asmb_finish(struct asmb *a, struct prog **out, struct diag *d)
{
    *out = NULL;
    if (!a)
        return diag_set(d, ST_NOMEM, "out of memory for the program");
    if (good(a))
        close_bundle(a);
    const enum status status = a->status;
    if (status == ST_OK)
        *out = a->prog;
    else if (d)
        *d = a->diag;
    HASH_CLEAR(hh, a->constants);
    if (status != ST_OK)
        prog_destroy(a->prog);
    vec_free(&a->open);
    free(a);
    return status;
}
