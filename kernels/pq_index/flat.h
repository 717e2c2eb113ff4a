/* Top-k over one head's keys as straight-line code in small steps, to be put between the
 * steps of something else: pq_index:fused chooses a head's keys while it scores the next
 * head's.
 *
 * Keys lie in memory in blocks; a pyramid above them has the largest of each PQ_FAN
 * neighbours, and the largest of each PQ_FAN of those, and so on. The kept-th largest of a
 * level is at most that of the level below, so whatever is kept below has a parent that is
 * kept, ties going to the first: each level is cut down to `kept` of its words, and of the
 * next one only their children are looked at. */
#ifndef SHEAF_KERNELS_PQ_INDEX_FLAT_H
#define SHEAF_KERNELS_PQ_INDEX_FLAT_H

#include "kernels/pq_index/code.h"

enum {
    PQ_FAN = 4,
    PQ_BESIDE = 64, /* vectors looked at at a time that leave scratch for something else .. */
    PQ_FLAT = 112,  /* .. and the most there may be: they stay in scratch */
    PQ_MAX_LEVELS = 6,
    PQ_CHAINS = 2
};

struct pq_pyramid {
    uint32_t most; /* vectors to look at on any level; above PQ_FLAT this way does not do */
    unsigned levels;
    uint32_t words[PQ_MAX_LEVELS];  /* of each level, whole blocks but for the highest; zeros fill them */
    uint32_t offset[PQ_MAX_LEVELS]; /* in the work area */
    uint32_t size;                  /* of all levels */
    unsigned bits;                  /* of a key */
};

/* For keys of tables with that bias, from work offset `offset` on. */
struct pq_pyramid pq_plan_pyramid(const struct pq_sizes *z, uint32_t bias, uint32_t offset);

/* A pyramid being built, as keys come. */
struct pq_tower {
    const struct pq_pyramid *pyramid;
    struct pq_cursor to[PQ_MAX_LEVELS];
    struct ir_val block[PQ_MAX_LEVELS]; /* of each level but the lowest, being filled .. */
    uint32_t filled[PQ_MAX_LEVELS];     /* .. with so many words */
};

/* With `exact` no loop may follow; else a region is to have PQ_TOWER blocks of keys, after
 * which no level has a block begun. */
enum { PQ_TOWER = 64 };
struct pq_tower pq_tower(struct pq_code *k, const struct pq_pyramid *p, bool exact);
/* Stores a block of keys and what that completes. */
void pq_tower_add(struct pq_code *k, struct pq_tower *t, struct ir_val keys);
/* Zeros in place of what is missing. */
void pq_tower_end(struct pq_code *k, struct pq_tower *t);
/* See pq_leave. */
void pq_tower_leave(struct pq_code *k, struct pq_tower *t);

/* A head's rows. */
struct pq_target {
    struct ir_val list, weight;         /* scalars: their addresses */
    struct ir_mem list_mem, weight_mem; /* what holds them */
    bool exact;                         /* just them, in code without a loop */
    uint32_t most;                      /* vectors of a row to be written in a region */
};

/* One head's choice, in progress. */
struct pq_flat {
    /* Set by the caller. */
    const struct pq_pyramid *pyramid;
    uint32_t lists;        /* work offset of what choosing needs for itself: pq_flat_words of it */
    struct pq_target rows; /* in which the weights are 0 */
    /* Where it is: phase 0 on the highest level to begin with. */
    unsigned level, phase;
    uint32_t done;
    /* The rest is its own. */
    uint32_t vectors;
    struct pq_cursor source;
    struct ir_val parents; /* a vector of addresses of groups of PQ_FAN keys */
    struct ir_val keys[PQ_FLAT];
    struct pq_ring lanes[PQ_CHAINS];
    struct ir_val least, higher, below_next;
    struct pq_cut cut[PQ_CHAINS];
    struct ir_val to[PQ_CHAINS], next[PQ_CHAINS], lane;
};

uint32_t pq_flat_words(const struct pq_sizes *z);

/* Makes the next step; the share of time that it is to have, in cycles, roughly. 0 after
 * the last one. */
uint32_t pq_flat_step(struct pq_code *k, struct pq_flat *f);

/* The sum of all steps'. */
uint32_t pq_flat_cycles(const struct pq_sizes *z, const struct pq_pyramid *p);

#endif
