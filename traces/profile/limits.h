/* What the recorded slots cannot do without: lower bounds of their number of cycles, the chain of
 * slots that makes the longest of them, and schedules that a list scheduler finds for them. */
#ifndef SHEAF_TRACES_PROFILE_LIMITS_H
#define SHEAF_TRACES_PROFILE_LIMITS_H

#include "traces/record/history.h"

/* Bounds in cycles, of these slots on these engines, for any schedule. */
struct limits {
    uint32_t engine[ENGINE_DEBUG]; /* work of each engine, with the best head and tail for it */
    uint32_t head[ENGINE_DEBUG], tail[ENGINE_DEBUG];
    enum isa_engine binding; /* of the largest; ISA_ENGINES when there are no slots */
    uint32_t work;           /* engine[binding] */
    uint32_t dep;   /* the longest chain of values (scratch, memory) and of jumps with what is before them */
    uint32_t words; /* the same with the order that reusing words adds */
    VEC(uint32_t) chain; /* one that makes `dep`: slots, the first one first */
};

/* What a schedule may do away with; each goes beyond the one before. */
enum limits_freedom {
    FREE_NOTHING,
    FREE_WORDS, /* every value has words of its own */
    FREE_JUMPS, /* and no slot waits for a jump, or a jump for a slot: loops are unrolled */
};

/* For the recorded machine with other numbers of slots: `machine`. ST_OK, ST_NOMEM; to be freed in
 * any case. Cores share nothing but memory: work is that of the busiest core. A jump, halt or pause is
 * not before the slots that were before it; limits_unrolled is as if there were none (FREE_JUMPS). */
enum status limits_find(const struct history *h, const struct isa_machine *machine, struct limits *out,
                        struct diag *d);
enum status limits_unrolled(const struct history *h, const struct isa_machine *machine, struct limits *out,
                            struct diag *d);
void limits_free(struct limits *l);

/* Cycles of a list schedule of the recorded slots, most urgent first, each on its own engine.
 * ST_OK, ST_NOMEM, or ST_INPUT for a machine with latencies. */
enum status limits_reschedule(const struct history *h, const struct isa_machine *machine,
                              enum limits_freedom free, uint32_t *cycles, struct diag *d);

#endif
