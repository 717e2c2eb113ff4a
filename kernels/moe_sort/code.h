/* What the programs of moe_sort are made of: code on the builder's ir, shared by the
 * variants.
 *
 *     sig, bias ──> moe_gate ──> ids, w ──┬──> moe_sort_places ──> sid, sw, se
 *                                         └──> moe_sort_few ─────────────┘
 *
 * Sizes are constants of the code, data is not. */
#ifndef SHEAF_KERNELS_MOE_SORT_CODE_H
#define SHEAF_KERNELS_MOE_SORT_CODE_H

#include "builder/ir/ir.h"
#include "kernels/moe_sort/moe_sort.h"

struct moe_code {
    struct ir *ir;
    struct moe_sizes s;
    struct kern_dump *dump;            /* of the request */
    bool headers;                      /* where arrays begin is read from the header */
    struct ir_val pointer[MOE_ARRAYS]; /* of the header, then */
    unsigned share, selected;          /* of 64 selects go to flow, as top.c counts */
};

/* Room for a program's code; ST_NOMEM. To be ended with moe_finish, which builds the
 * program, appends it to `out` as a stage and destroys the ir in any case. */
enum status moe_begin(const struct kern_request *rq, bool headers, struct moe_code *c, struct diag *d);
enum status moe_finish(struct moe_code *c, const char *name, struct kern_programs *out, struct diag *d);

/* --- memory (code.c) ------------------------------------------------------ */

/* A token: number `t` in code, `moved` tokens further on in this pass of a loop (block
 * IR_NONE: no loop). */
struct moe_token {
    uint32_t t;
    struct ir_val moved;
};

/* Words of memory: an array, or rows of it (of `stride` words a token). */
struct moe_place {
    unsigned array;
    uint32_t offset, stride;
};

/* The address of word `word` of a token's row, and the range to declare for `words` of
 * them: exactly those, or the whole array where a loop moves on. */
struct ir_val moe_address(struct moe_code *c, const struct moe_place *p, const struct moe_token *t,
                          uint32_t word);
struct ir_mem moe_range(const struct moe_code *c, const struct moe_place *p, const struct moe_token *t,
                        uint32_t word, uint32_t words);

/* An address so many words further on. */
struct ir_val moe_further(struct moe_code *c, struct ir_val at, uint32_t words);

/* Rows of n words to scratch and back, eight at a time. Loading may read up to
 * seven words more. */
struct ir_val moe_load_row(struct moe_code *c, const struct moe_place *p, const struct moe_token *t,
                           uint32_t n);
void moe_store_row(struct moe_code *c, const struct moe_place *p, const struct moe_token *t,
                   struct ir_val from, uint32_t n);

/* n of a view's neighbouring words, from word `first` on. */
static inline struct ir_val moe_part(struct ir_val v, uint32_t first, uint32_t n)
{
    return ir_view(v, first, 1, n);
}

/* A block's words set to a number. */
void moe_set(struct moe_code *c, struct ir_val to, uint32_t value);

/* `n` passes over the code made between the two calls, n > 0; a loop if it is above 1. */
struct moe_loop {
    uint32_t region, n;
    struct ir_val left;
};
struct moe_loop moe_loop(struct moe_code *c, uint32_t n);
void moe_loop_end(struct moe_code *c, const struct moe_loop *l);

/* A number that is 0 before a loop of n passes, and after each pass `step` more, but at most
 * `most`: the last pass goes back where there is less left for it. No value for one pass.
 * To be made before the loop, and counted before its end. */
struct ir_val moe_counter(struct moe_code *c, uint32_t n);
void moe_count(struct moe_code *c, struct ir_val counter, uint32_t n, uint32_t step, uint32_t most);

/* --- the largest of many (top.c) ------------------------------------------- */

enum { MOE_TOP = MOE_MAX_CHOSEN };

/* Vectors in descending order, lane by lane. */
struct moe_top {
    unsigned n;
    struct ir_val at[MOE_TOP];
};

/* Makes row i; rows are asked for in ascending order. */
typedef struct ir_val moe_row(void *context, unsigned i);

/* The k largest of rows [first, first + n). */
void moe_top_of(struct moe_code *c, moe_row *row, void *context, unsigned first, unsigned n, unsigned k,
                struct moe_top *out);

/* The sum of the two largest of n rows, n > 1. */
struct ir_val moe_two_largest(struct moe_code *c, moe_row *row, void *context, unsigned n);

/* `parts` (a power of two) runs of `lanes` lanes, all of the vector, merged: each of them
 * is the result. */
void moe_top_parts(struct moe_code *c, struct moe_top *top, unsigned parts, unsigned lanes, unsigned k);

/* --- the gate (gate.c) ------------------------------------------------------ */

/* What the gate leaves of some tokens: rows of `stride` words, in which a token has its
 * experts, or their weights, the largest key first; then those of the shared experts where
 * the stride has room. */
struct moe_chosen {
    unsigned tokens;
    uint32_t stride;
    struct ir_val ids, w;
};

/* Tokens that moe_gate takes at a time. */
unsigned moe_gate_tokens(const struct moe_sizes *s);
void moe_gate(struct moe_code *c, const struct moe_token *first, uint32_t stride, struct moe_chosen *out);

/* The rows to memory. */
void moe_store_chosen(struct moe_code *c, const struct moe_chosen *chosen, const struct moe_token *first,
                      const struct moe_place *ids, const struct moe_place *w);

/* --- places (place.c, few.c) ---------------------------------------- */

/* Fills the first n words of sid and sw, n a multiple of eight, with padding; `moved` words
 * further on in a loop. */
void moe_fill(struct moe_code *c, uint32_t n, struct ir_val moved);

/* Sorts all tokens, whose experts and weights are in memory, into blocks that are filled
 * with padding already. */
void moe_sort_places(struct moe_code *c);

/* Whether moe_sort_few may be used, and the same for the few tokens of one gate. */
bool moe_are_few(const struct moe_sizes *s);
void moe_sort_few(struct moe_code *c, const struct moe_chosen *chosen);

/* Words of sid, at most, that are valid, whatever the data. */
uint32_t moe_most_valid(const struct moe_sizes *s);

#endif
