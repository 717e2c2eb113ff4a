#include "sim/engine/superinstruction.h"

#include "sim/engine/fast.h"

static void blank_places(uint32_t *place, size_t words, uint32_t width, uint32_t scratch)
{
    for (size_t i = 0; i < words; i++)
        place[i] = scratch + (i % width ? BLOCK_ZERO : BLOCK_BLANK);
}

struct superinstruction superinstruction_blank(uint32_t scratch)
{
    struct superinstruction k;
#define BLANK_PLACES(list, width) \
    blank_places((uint32_t *)(list), sizeof(list) / sizeof(uint32_t), width, scratch)
    BLANK_PLACES(k.alu, 3);
    BLANK_PLACES(k.valu, 3);
    BLANK_PLACES(k.madd, 4);
    BLANK_PLACES(k.load, 3);
    BLANK_PLACES(k.vload, 3);
    BLANK_PLACES(k.vselect, 4);
    for (unsigned i = 0; i < BLOCK_LOAD; i++)
        k.load[i][2] = k.vload[i][2] = 1;
    return k;
}

static int kind_of(enum isa_op op)
{
    switch ((int)op) {
#define ISA_BINARY(ID, name, partial, expression, doc) KIND_OF_##partial(ID)
#define KIND_OF_0(ID)  \
    case OP_ALU_##ID:  \
    case OP_VALU_##ID: \
        return BLOCK_##ID;
#define KIND_OF_1(ID)
#include "sim/isa/isa.def"
    default: return -1;
    }
}

/* A free place among n of `width` words, or NULL. */
static uint32_t *free_place(uint32_t *places, uint32_t n, uint32_t width, uint32_t blank_word)
{
    for (uint32_t i = 0; i < n; i++)
        if (places[i * width] == blank_word)
            return places + i * width;
    return NULL;
}

uint32_t *superinstruction_operands(struct superinstruction *k, enum isa_op op, uint32_t n, uint32_t scratch)
{
    const uint32_t word = scratch + BLOCK_BLANK;
    const int kind = kind_of(op);
    if (isa_is_load(op) && n == 1)
        return free_place(k->load[0], BLOCK_LOAD, 3, word);
    if (kind >= 0 && isa_is_alu(op))
        return free_place(k->alu[kind][0], BLOCK_ALU, 3, word);
    if (n != LANES)
        return NULL;
    if (kind >= 0)
        return free_place(k->valu[kind][0], BLOCK_VALU, 3, word);
    if (isa_is_load(op))
        return free_place(k->vload[0], BLOCK_LOAD, 3, word);
    switch ((int)op) {
    case OP_MULTIPLY_ADD: return free_place(k->madd[0], BLOCK_MADD, 4, word);
    case OP_VSELECT: return free_place(k->vselect[0], 1, 4, word);
    default: return NULL;
    }
}
