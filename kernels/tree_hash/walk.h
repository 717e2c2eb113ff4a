/* tree_hash on vectors: the walkers in groups of a vector each, every group's rounds
 * one strand of operations on virtual registers. Contracts values and indices, where
 * all walkers are on the same level at the same time.
 *
 * A branch bit is 1 for "left": the last hash stage's odd constant is left out of
 * the values and xored into the nodes instead, which turns the bit over.
 */
#ifndef SHEAF_KERNELS_TREE_HASH_WALK_H
#define SHEAF_KERNELS_TREE_HASH_WALK_H

#include "builder/ir/ir.h"
#include "builder/search/choices.h"

/* Sorts of decisions. */
enum { WALK_ASK_RECORD, WALK_ASK_FIRST, WALK_ASK_ADDRESS, WALK_ASK_SPREAD, WALK_ASK_TABLES };

enum { WALK_CACHED = 3, WALK_MAX_TABLES = 8, WALK_SPREADS = 32 };

/* Where things of one kind are for walkers on one level: those of node i of the
 * level at base + scale * i. */
struct walk_line {
    uint32_t base, scale;
};

/* Records {left child, right child, node}, three words each, for the nodes of one
 * level: one load serves two levels. */
struct walk_table {
    unsigned level;
    uint32_t base;
};

struct walk_plan {
    unsigned height;
    uint32_t rounds, batch;
    uint32_t tree, indices, values; /* addresses */
    bool want_indices;
    unsigned n_tables;
    struct walk_table table[WALK_MAX_TABLES];
    uint32_t spare, spare_words; /* memory to use freely */
};

/* Constants and the nodes of the upper levels as vectors. */
struct walk_shared {
    struct ir_val mul0, add0, shift1, xor1, mul2, add2, mul3, add3, mul4, add4, shift5, xor5, one;
    struct ir_val node0_raw;                    /* for the first round: its values have their constant */
    struct ir_val node[(1 << WALK_CACHED) - 1]; /* constant included */
};

/* A constant as a vector; see walk_const. */
struct walk_const {
    uint32_t value;
    struct ir_val vector;
};

struct walk {
    struct ir *ir;
    struct choices *choices;
    struct walk_plan plan;
    struct walk_shared shared;
    struct ir_mem table_mem[WALK_MAX_TABLES];
    uint32_t areas_used; /* spare vectors of memory are used in turn */
    VEC(struct walk_const) consts;
    uint8_t by_memory[WALK_SPREADS]; /* how the first spreads are done; asked ahead, so that their
                                        number is always the same */
    unsigned spreads;
};

/* Constants, cached nodes, tables. */
void walk_setup(struct walk *w);

/* A scalar in every lane, or a constant: by a broadcast, or, where there is time, by
 * way of memory, which costs valu nothing. */
struct ir_val walk_spread(struct walk *w, struct ir_val scalar);
struct ir_val walk_const(struct walk *w, uint32_t value);

/* The first word of a vector of memory that is free to use in passing; spare_words
 * must not be 0. */
uint32_t walk_spare(struct walk *w);

/* The hash in ten operations, all but the last stage's constant; its constants are
 * made by walk_setup. */
struct ir_val walk_hash(struct walk *w, struct ir_val x);

/* walk.c: the whole kernel. */
void walk_build(struct walk *w);

/* walk.c. The address on line `to` after `n` more branches (bits oldest
 * first) from address `a` on line `from`; from the root itself if a is no value. */
struct ir_val walk_address(struct walk *w, struct ir_val a, struct walk_line from, struct walk_line to,
                           const struct ir_val *bits, unsigned n);

/* walk.c: what a group holds between the two rounds of a record. */
struct walk_record {
    unsigned kind;
    struct ir_val block[2];
};

/* Loads the records at `addr`; the value y xored with the nodes. */
struct ir_val walk_record_node(struct walk *w, struct walk_record *r, unsigned table, struct ir_val addr,
                               struct ir_val y);

/* The value y xored with the children that `bit` says. */
struct ir_val walk_record_child(struct walk *w, const struct walk_record *r, struct ir_val bit,
                                struct ir_val y);

#endif
