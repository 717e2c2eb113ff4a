/* Small expressions over a machine's state, as people type them: `i < 8 && m[s[12]] == 0x10`.
 *
 * A name of the program is its word, `v[3]` the fourth of a longer name. `s[X]` and `m[X]` are words
 * of scratch and memory; `pc`, `cycle`, `core` and `round` are what they say. A name of the program
 * that is spelled so comes first: with a `$` before it the machine's is meant. Names that
 * are no identifiers are JSON strings. Operators bind as in C: || && | ^ & == != < <= > >= << >> + - * // %,
 * and - ! before an operand. Arithmetic is modulo 2^32, as the machine's. */
#ifndef SHEAF_TRACES_REPLAY_EXPR_H
#define SHEAF_TRACES_REPLAY_EXPR_H

#include "sim/machine.h"

struct expr;

/* ST_OK and an expression, to be freed with expr_free (NULL is fine), which borrows nothing; or
 * ST_INPUT with the position in the text, ST_NOMEM. */
enum status expr_parse(const char *text, const struct prog *p, struct expr **out, struct diag *d);
void expr_free(struct expr *e);

/* Its value as `core` sees it; ST_INPUT when there is none: a word beyond the end, a division by 0. */
enum status expr_value(const struct expr *e, const struct sim *s, uint32_t core, uint64_t *out,
                       struct diag *d);

/* Words of scratch or memory. */
struct word_range {
    uint32_t core; /* whose scratch; WORD_RANGE_MEM: memory */
    uint32_t first, n;
};

#define WORD_RANGE_MEM UINT32_MAX

/* A whole name, `v[i]`, `s[a]`, `m[a]`, or several words: `v[a:b]`, `s[a:b]`, `m[a:b]`, b not included.
 * The bounds are expressions, evaluated here and now. ST_OK, ST_INPUT, ST_NOMEM. */
enum status word_range_parse(const char *text, const struct sim *s, uint32_t core, struct word_range *out,
                             struct diag *d);

/* A word of the range; i < n. */
uint32_t word_range_word(const struct word_range *at, const struct sim *s, uint32_t i);

/* As people read it: "v", "v+2", "s[7]", "m[8:16]". */
void word_range_text(const struct word_range *at, const struct prog *p, struct text *out);

#endif
