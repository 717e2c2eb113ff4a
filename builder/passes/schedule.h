/* List scheduling of one region.
 *
 * requires    a dependence graph and a key for each node
 * guarantees  a schedule that keeps every edge and every slot limit; live scratch
 *             stays within a limit unless nothing else could go on (then `tight`)
 * algorithm   cycle by cycle, the ready op with the smallest key first (Graham 1966),
 *             for each engine; what may run on several engines goes where room is.
 *             An elementwise op on alu takes a slot a lane and may be spread over
 *             consecutive cycles.
 * weakness    greedy: it never leaves a slot empty to be better off later, and its
 *             result is as good as its keys. Hence schedule.h and search.h.
 */
#ifndef SHEAF_BUILDER_PASSES_SCHEDULE_H
#define SHEAF_BUILDER_PASSES_SCHEDULE_H

#include "builder/passes/depend.h"

/* Engines an op may run on, one bit each (1 << ENGINE_ALU ...); 0 for a fence. */
struct sched_node {
    uint8_t units;
    uint8_t wait;                       /* the least latency of those engines; 1 for a fence */
    uint8_t lanes;                      /* alu slots it takes there */
    uint8_t blocks;                     /* how many of `block` are in use */
    uint32_t block[IR_SOURCES * 2 + 1]; /* distinct blocks it touches that live within the region */
};

/* What scheduling needs of a region, made once for many schedules. */
struct sched_graph {
    const struct ir *ir;
    struct dep_graph graph;
    struct sched_node *nodes;
    uint32_t n_blocks;
    uint16_t *block_words; /* 0 for a block that lives beyond the region: not counted */
    uint32_t *block_uses;  /* ops of the region that touch it */
    uint32_t global_words; /* words of blocks that live beyond the region */
    bool drains;           /* something follows: the region ends when all it writes is there */
};

/* Cycles that must lie between node `from` of the edge, its finish, and the other end, at least. */
static inline uint32_t sched_wait(const struct sched_graph *p, uint32_t from, const struct dep_edge *e)
{
    return e->delay * p->nodes[from].wait;
}

struct sched_options {
    uint32_t live_limit; /* scratch words that may be live */
    float valu_bias;     /* keys by which an op for valu alone is preferred to one that alu could take */
    float flow_bias;     /* keys an op that flow could take must be ahead to take valu */
    float ahead;         /* words to leave free for each cycle that a key is ahead of the first ready one */
    float const_bias; /* keys a constant must be ahead of a load to take its slot rather than wait for flow */
    bool reversed;    /* schedule the reversed graph: cycles count from the end */
};

/* One alu lane group: `lanes` lanes of the op from `first` on, in `cycle`. */
struct sched_piece {
    uint32_t node, cycle;
    uint8_t first, lanes;
};

struct schedule {
    uint32_t *start, *finish;       /* cycles, by node */
    uint8_t *engine;                /* enum isa_engine, by node; ISA_ENGINES for fences */
    VEC(struct sched_piece) pieces; /* of the ops on alu, in order of issue */
    uint32_t length;                /* cycles; where the region drains, with those */
    uint32_t peak_words, peak_cycle;
    bool tight; /* the live limit had to be exceeded */
    /* Work space, kept between runs. */
    struct sched_work *work;
};

/* The engines an op may run on, as in sched_node. */
uint8_t sched_units(const struct ir_op *op);

/* Reads the region; false when out of memory. `p` is emptied then. */
bool sched_graph_init(struct sched_graph *p, const struct ir *ir, uint32_t region);
void sched_graph_free(struct sched_graph *p);

/* Room for schedules of `p`; false when out of memory. */
bool schedule_init(struct schedule *s, const struct sched_graph *p);
void schedule_free(struct schedule *s);

/* Fills *s. keys[node], smaller is sooner. False when out of memory. */
bool schedule_run(struct schedule *s, const struct sched_graph *p, const float *keys,
                  const struct sched_options *o);

/* The reference machine's scratch, no biases. */
struct sched_options sched_default_options(const struct ir *ir);

#endif
