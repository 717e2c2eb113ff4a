/* What the fast and batch simulators execute: a program translated once into a flat stream
 * of micro-operations, for one machine. Between predecode.c and fast*.c, batch*.c.
 *
 *      bundle ──> [oracle]                       what has no fast form: step.c does it
 *             └─> [save] [checks] [slots, ordered] [copies] [control] [yield]
 *
 * save    the operand of a control slot that another slot of the bundle overwrites
 * checks  whatever could fault after something was written, so that a fault finds
 *         the state before the bundle intact; a failed check makes step.c execute the
 *         bundle, which then says what is wrong
 * slots   in the order of serialize.h, scratch addresses checked at predecode
 * copies  of buffered writes, from spare words behind the scratch
 * control jumps, halt, pause: at most one a bundle
 * yield   in the stream `turns` only: ends the bundle for engines that take turns
 */
#ifndef SHEAF_SIM_ENGINE_PREDECODE_H
#define SHEAF_SIM_ENGINE_PREDECODE_H

#include "sim/machine.h"

/* Below ISA_OPS: the operation itself, a vector's lanes one by one. micro_labels.def says what executes
 * each code. */
enum micro_code {
    MICRO_WIDE = ISA_OPS, /* + an operation with a vector dest or source: at eight lanes */
    MICRO_PART =
        2 * ISA_OPS, /* + a binary operation of valu: on the first d of eight lanes (see superword.h) */
    MICRO_COPY = 3 * ISA_OPS, /* s[a] = s[b] */
    MICRO_COPY_8,             /* s[a + i] = s[b + i], i < 8 */
    MICRO_COPY_N,             /* s[a + i] = s[b + i], i < c */
    MICRO_CHECK,              /* s[a] < c, else the oracle */
    MICRO_CHECK_2,            /* s[a] < c and s[b] < c + d */
    MICRO_CHECK_APART,        /* s[a] - s[b] + c >= d (modulo 2^32) */
    MICRO_CHECK_DIVISOR,      /* no s[a + i] is 0, i < c */
    MICRO_BLOCK_READ,         /* compute the results of block a, or leave it to the oracle */
    MICRO_BLOCK_WRITE,        /* write them */
    MICRO_ORACLE,             /* the bundle is left to step_bundle */
    MICRO_YIELD,              /* the end of a bundle, in the stream of turns */
    MICRO_END,                /* the end of the program */
    MICRO_CODES
};

/* Operands of operations: a the dest, then b, c, d the sources; beside a literal, which is
 * in c, they are b and d; load: c and store: c are the number of addresses at which the
 * access fits into memory (the limit of the first); jumps: a the condition or address word,
 * b the target, c the bundle itself. */
struct micro {
    uint32_t code : 8, d : 24;
    uint32_t a, b, c;
};

_Static_assert(MICRO_CODES <= 256, "micro.code has 8 bits");
_Static_assert(ISA_MAX_SCRATCH <= 1 << 24, "micro.d holds a scratch address");

/* The same by a row's roles, as constants: what the sources of its expression are (ROLE_NONE
 * where there is none), and where a micro-operation has them. */
#define MICRO_LITERAL_1(r1, r2, r3) (ROLE_##r1 > ROLE_VSRC)
#define MICRO_LITERAL_2(r1, r2, r3) (ROLE_##r1 > ROLE_VSRC || ROLE_##r2 > ROLE_VSRC)
#define MICRO_LITERAL(r1, r2, r3) (MICRO_LITERAL_2(r1, r2, r3) || ROLE_##r3 > ROLE_VSRC)
#define MICRO_ROLE_A(r1, r2, r3) (MICRO_LITERAL_1(r1, r2, r3) ? ROLE_##r2 : ROLE_##r1)
#define MICRO_ROLE_B(r1, r2, r3) (MICRO_LITERAL_2(r1, r2, r3) ? ROLE_##r3 : ROLE_##r2)
#define MICRO_ROLE_C(r1, r2, r3) (MICRO_LITERAL(r1, r2, r3) ? ROLE_NONE : ROLE_##r3)
#define MICRO_B(m, r1, r2, r3) (MICRO_LITERAL(r1, r2, r3) ? (uint32_t)(m)->d : (m)->c)

/* Per bundle and one more for the end: the first micro-operation, and sums over
 * all bundles before it, of cycles, of scratch words written twice, and of work. */
struct micro_mark {
    uint32_t first, cycles;
    uint64_t twice, work;
};

/* Positions of the operations that have one in a block. */
enum block_kind {
#define ISA_BINARY(ID, name, partial, expression, doc) BLOCK_KIND_##partial(ID)
#define BLOCK_KIND_0(ID) BLOCK_##ID,
#define BLOCK_KIND_1(ID)
#include "sim/isa/isa.def"
    BLOCK_KINDS
};

/* Part of a full bundle as a form to be filled in: a fixed number of places for each
 * kind of operation, all computed, the empty ones on spare words, and only then all
 * written. It does more work than the slots ask for and jumps nowhere: on a long
 * program with mixed operations the host mispredicts most jumps from slot to slot,
 * and each costs more than a place. */
enum { BLOCK_ALU = 2, BLOCK_VALU = 1, BLOCK_MADD = 3, BLOCK_LOAD = 2 };

/* Every place: the dest, then the sources; of loads, then predecode.c. */
struct superinstruction {
    uint32_t alu[BLOCK_KINDS][BLOCK_ALU][3];
    uint32_t valu[BLOCK_KINDS][BLOCK_VALU][3];
    uint32_t madd[BLOCK_MADD][4];
    uint32_t load[BLOCK_LOAD][3], vload[BLOCK_LOAD][3];
    uint32_t vselect[1][4];
};

struct micro_stream {
    VEC(struct micro) code;
    VEC(struct micro_mark) marks;
    VEC(struct superinstruction) blocks;
    uint64_t most_work; /* of a bundle */
};

/* Who executes a stream. */
enum micro_form {
    MICRO_STRAIGHT, /* one core on and on */
    MICRO_TURNS,    /* cores in turns: MICRO_YIELD ends each bundle */
    MICRO_BATCH,    /* many instances at each operation: without blocks */
};

/* Translates the program; false when out of memory (then `out` can be freed). */
bool predecode(const struct prog *p, const struct sim_config *config, size_t mem_words, enum micro_form form,
               struct micro_stream *out);
void predecode_free(struct micro_stream *s);

#endif
