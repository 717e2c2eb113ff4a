/* Any program made faster, with a proof.
 *
 *     program ──> lift ──> fold ──> schedule from its own order, forward and backward ──┐
 *                                        │ search, where there is one region            │
 *        the same program, or <── verify <── emit <── allocate <────────────────────────┘
 *        a shorter one
 *
 * requires    what lift.h requires
 * guarantees  the program that comes out does what the one that went in does, for every
 *             run that ends without a fault and keeps to the facts that are given; its
 *             bundles are held against the lifted ir by verify.h. It has no more bundles,
 *             region by region; where nothing is gained there is no new program
 */
#ifndef SHEAF_BUILDER_OPTIMIZE_OPTIMIZE_H
#define SHEAF_BUILDER_OPTIMIZE_OPTIMIZE_H

#include "builder/optimize/lift.h"
#include "builder/passes/fold.h"
#include "builder/passes/number.h"
#include "builder/search/search.h"

struct optimize_options {
    struct lift_options lift;
    bool fold;            /* constants, copies, dead slots */
    bool number;          /* values computed, loaded or stored again; products and sums */
    unsigned passes;      /* forward and backward, for each start */
    uint64_t evaluations; /* of the search; 0: none */
    uint64_t seed;
    unsigned threads;
    bool any; /* a program that is not shorter comes out, too: for tests */
    /* Called now and then by the search; false ends it. May be NULL. */
    bool (*progress)(void *context, const struct search_progress *p);
    void *context;
};

/* Everything on, no search. */
struct optimize_options optimize_default_options(void);

/* What the program is after a step; bundles that cost a cycle. */
struct optimize_step {
    const char *name; /* not owned */
    uint32_t ops, bundles;
};

enum { OPTIMIZE_MAX_STEPS = 8 };

struct optimized {
    struct prog *prog; /* owned; NULL: nothing was gained */
    uint32_t left;     /* of `prog`, likewise */
    uint32_t bundles;  /* of the program that went in, of those that cost a cycle */
    uint32_t regions;
    uint32_t work, dep; /* bounds of what is left, all regions added up: engines, longest chain */
    struct fold_counts folded;
    struct number_counts numbered;
    struct optimize_step step[OPTIMIZE_MAX_STEPS];
    unsigned steps;
    /* As in struct lifted. */
    uint32_t debug_slots, pauses, proved, given, unknown;
    char why[DIAG_TEXT]; /* in a sentence: what kept it from being shorter; empty for a gain */
    /* Of optimize_on: cycles of both, added up over so many runs; inputs on which they were compared. */
    uint64_t cycles_before, cycles_after;
    uint32_t runs, compared;
};

/* ST_OK, with or without a gain; ST_INPUT: it cannot be lifted, *d says why with bundle and slot; ST_NOMEM.
 * *out is to be freed in any case. */
enum status optimize_program(const struct prog *p, const struct optimize_options *o, struct optimized *out,
                             struct diag *d);
void optimized_free(struct optimized *x);

/* A run of memory words with a name. */
struct optimize_array {
    const char *name;
    uint32_t first, words;
};

/* Memory at the start of runs. */
struct optimize_inputs {
    const uint32_t *images; /* `n` of them, one after the other */
    uint32_t n;
    size_t words;                        /* of each */
    uint32_t header;                     /* the first words, which are the same for all inputs of this kind */
    const struct optimize_array *arrays; /* what the rest is; may be empty */
    unsigned n_arrays;
    bool assume; /* what accesses touch may be taken from how they are seen on these inputs */
};

/* optimize_program with facts from runs on the inputs, whose result is run on all of them beside the
 * program that came in: memory and trace buffers have to be the same, and cycles fewer.
 * ST_INPUT also where the program faults on an input, or the results differ: *d says on which
 * input, and where. o->lift.facts is not looked at. */
enum status optimize_on(const struct prog *p, const struct optimize_inputs *in,
                        const struct optimize_options *o, struct optimized *out, struct diag *d);

#endif
