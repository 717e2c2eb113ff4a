/* Where two runs part: the first value that one of them computes and the other does not.
 *
 * A place is something both programs write: a word of memory, and, where the programs are the same but
 * for a few bundles, a word of scratch; otherwise a value that the builder named, or a named word of
 * scratch. The n-th write to a place in one run is held against the n-th in the other. */
#ifndef SHEAF_TRACES_PROFILE_DIVERGENCE_H
#define SHEAF_TRACES_PROFILE_DIVERGENCE_H

#include "traces/record/history.h"

/* What places are, besides memory. */
enum divergence_by {
    DIVERGENCE_VALUES, /* the builder's names, by stage, round and strand */
    DIVERGENCE_NAMES,  /* names of scratch words that both programs have */
    DIVERGENCE_WORDS,  /* addresses of scratch */
    DIVERGENCE_MEMORY, /* nothing else: the two have nothing in common */
    DIVERGENCE_KINDS
};

/* One side of the divergence: a write. */
struct divergence_side {
    bool there; /* false: this run has no such write */
    uint32_t slot, value;
    uint32_t lane; /* of the words that the slot writes */
};

struct divergence {
    enum divergence_by by;
    size_t compared; /* writes held against each other */
    bool found;
    char place[120]; /* "x+3", "memory 17" */
    uint32_t nth;    /* which write to it, from 1 */
    struct divergence_side a, b;
};

/* The earliest in the second run. ST_OK, ST_NOMEM. */
enum status divergence_find(const struct history *a, const struct history *b, struct divergence *out,
                            struct diag *d);

/* "named values", "named words", "scratch words", "memory". */
const char *divergence_by_name(enum divergence_by by);

/* The value of scratch word `word` as `slot` reads it; *from: the slot that wrote it, UINT32_MAX if it
 * was there from the start (false then: the value is not known if the record begins later). */
bool part_read_value(const struct history *h, uint32_t slot, uint32_t word, uint32_t *value, uint32_t *from);

#endif
