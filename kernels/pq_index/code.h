/* What pq_index's programs are made of: addresses, loops, fills, tables of scores and
 * keys. Everything is for vectors of PQ_LANES words. A "block" is PQ_LANES vectors. */
#ifndef SHEAF_KERNELS_PQ_INDEX_CODE_H
#define SHEAF_KERNELS_PQ_INDEX_CODE_H

#include "builder/ir/ir.h"
#include "kernels/pq_index/pq_index.h"

enum { PQ_LANES = 8, PQ_BLOCK = PQ_LANES * PQ_LANES, PQ_MAX_SUBS = 8 };

struct pq_code {
    struct ir *ir;
    struct pq_sizes z;
    struct ir_val at[PQ_ARRAYS]; /* scalars: where the arrays are */
    struct ir_val iota, rows;    /* vectors: 0, 1, 2 ..; 0, 8, 16 .. */
};

/* An ir for the request and what all code uses; ST_INPUT for machines with other
 * vectors, ST_NOMEM. k->ir is to be ended with pq_finish. With `header` the addresses
 * are read from memory, else they are constants. */
enum status pq_begin(const struct kern_request *rq, bool header, struct pq_code *k, struct diag *d);

/* Builds the program of what was made and appends it to `out` as a stage; k->ir is
 * destroyed in any case. Statuses of build_simple. */
enum status pq_finish(struct pq_code *k, struct kern_dump *dump, const char *name, struct kern_programs *out,
                      struct diag *d);

/* --- small change --------------------------------------------------------------- */

static inline uint32_t pq_round_up(uint32_t n, uint32_t to)
{
    return (n + to - 1) / to * to;
}

static inline struct ir_val pq_add(struct pq_code *k, struct ir_val a, uint32_t b)
{
    return b ? ir_alu(k->ir, OP_ALU_ADD, a, ir_const(k->ir, b)) : a;
}

/* A variable with a first value, and changes of it. */
struct ir_val pq_set(struct pq_code *k, struct ir_val value);
void pq_move(struct pq_code *k, struct ir_val variable, uint32_t by);

/* All words of an array, and those that vectors may touch beyond its end. */
struct ir_mem pq_array(const struct pq_code *k, unsigned array);
/* `words` of the work area from `offset` on. */
struct ir_mem pq_work(const struct pq_code *k, uint32_t offset, uint32_t words);

/* A few blocks of storage in turn: what writes to one waits for what reads what was there
 * before, so that nothing runs far ahead and fills the scratch. */
struct pq_ring {
    struct ir_val at[16];
    unsigned n, turn;
};
struct pq_ring pq_ring(struct pq_code *k, uint16_t words, unsigned n);
struct ir_val pq_ring_next(struct pq_ring *r);
/* The next block with v + by. */
struct ir_val pq_ring_add(struct pq_code *k, struct pq_ring *r, struct ir_val v, uint32_t by);

/* The sum of a vector's lanes. */
struct ir_val pq_sum(struct pq_code *k, struct ir_val v);

/* PQ_LANES addresses, PQ_LANES words apart, from a scalar on. */
struct ir_val pq_rows(struct pq_code *k, struct ir_val first);

/* --- loops ------------------------------------------------------------------------ */

/* `n` passes over the code made between the two calls, n > 0; a loop if it is above 1. */
struct pq_loop {
    uint32_t region, n;
    struct ir_val left;
};
struct pq_loop pq_loop(struct pq_code *k, uint32_t n);
void pq_loop_end(struct pq_code *k, const struct pq_loop *loop);

/* Makes body(.., n) for `total` units, at most `most` of them in a region. */
typedef void pq_body(struct pq_code *k, void *context, uint32_t n);
void pq_repeat(struct pq_code *k, uint32_t total, uint32_t most, pq_body *body, void *context);

/* --- vectors in a row of memory ------------------------------------------------------ */

/* Goes from vector to vector. */
struct pq_cursor {
    struct pq_ring ring;
    struct ir_val at;  /* variable: addresses of the next PQ_LANES vectors, as this region found it */
    struct ir_val now; /* the same, further on */
    uint32_t passed;   /* vectors in this region */
    struct ir_mem mem; /* what holds the row */
    bool exact;        /* no loop: mem begins with the next vector, accesses are known to the word */
};

/* At the vector whose address is the scalar `first`. */
struct pq_cursor pq_cursor(struct pq_code *k, struct ir_val first, struct ir_mem mem, bool exact);
/* The next vector's address and range. */
struct ir_val pq_next(struct pq_code *k, struct pq_cursor *c, struct ir_mem *mem);
/* Leaves the region: the variable is where the cursor is. */
void pq_leave(struct pq_code *k, struct pq_cursor *c);

/* A row of words to be written. Rows of different memory are best written together:
 * stores to the same range keep their order, and so take a cycle each. */
struct pq_row {
    struct pq_cursor to, from;
    bool copy;           /* `from` there; or a fill with .. */
    struct ir_val value; /* .. this vector, and `step` more in each next one */
    uint32_t step;
    struct ir_val now; /* pq_write's own, as the next one */
    struct pq_ring ring;
};

/* Writes exactly `words` words of each of n rows, which are used up, at most `most` vectors
 * of each in a region. A copy's reads end where its words do. */
void pq_write(struct pq_code *k, struct pq_row *row, unsigned n, uint32_t words, uint32_t most);

/* --- scores ------------------------------------------------------------------------- */

/* A table in the work area: scores of one sub-vector's codes, or the sums for each pair
 * of codes of two (`second` less than the number of sub-vectors). */
struct pq_table {
    uint32_t sub, subs, offset, words;
    struct ir_val at; /* its address in each lane */
};

/* The tables that make up a key. */
struct pq_tables {
    unsigned n;
    struct pq_table at[PQ_MAX_SUBS];
    uint32_t bias; /* added to every key, so that they compare as unsigned numbers */
    uint32_t words;
};

/* A table for each sub-vector; or, with `joint`, for pairs of them where that is less
 * work. From work offset `offset` on. */
struct pq_tables pq_plan_tables(struct pq_code *k, bool joint, uint32_t offset);

/* Fills the tables for one head, whose query and centroids begin at the two scalars;
 * at most `most` blocks of PQ_LANES centroids in a region. */
void pq_make_tables(struct pq_code *k, const struct pq_tables *t, struct ir_val q, struct ir_val cent,
                    uint32_t most);

/* Storage for keys that are made in a region. */
struct pq_keys {
    struct pq_ring keys, codes, at;
};
struct pq_keys pq_keys(struct pq_code *k);

/* The keys of `n` neighbours, n <= PQ_BLOCK, and zeros, as a block of PQ_BLOCK words.
 * codes[s]: addresses of the vectors of sub-vector s. */
struct ir_val pq_keys_next(struct pq_code *k, struct pq_keys *keys, const struct pq_tables *t,
                           const struct ir_val *codes, uint32_t n);

/* --- choosing ----------------------------------------------------------------------- */

/* What is kept of a list of keys: those above `least`, and the first `ties` of those
 * equal to it. */
struct pq_cut {
    struct ir_val least, ties; /* vectors */
    struct ir_val seen;        /* variable: equal ones so far */
    struct pq_ring equal;
};

/* From scalars: the least key, ties, and how many were seen. */
struct pq_cut pq_cut(struct pq_code *k, struct ir_val least, struct ir_val ties, struct ir_val seen);

/* The cut of `words` keys in memory, of which those past the last candidate are 0: the
 * kept-th largest is the largest number to which kept of them are not below. Its `bits`
 * from the highest on, two of them in a pass over the keys (PyTorch's radix select). */
struct pq_cut pq_find_cut(struct pq_code *k, struct ir_val first, struct ir_mem mem, uint32_t words,
                          unsigned bits);

/* Which of the next PQ_LANES keys are kept: a vector of 0 and 1. Uses up the keys. */
struct ir_val pq_keep(struct pq_code *k, struct pq_cut *cut, struct ir_val keys);

/* Stores those lanes of `values` for which `keep` is 1 one after the other from the
 * address `to` on, a variable that follows; and something to the word after them. */
void pq_put(struct pq_code *k, struct ir_val to, struct ir_mem mem, struct ir_val keep, struct ir_val values);

#endif
