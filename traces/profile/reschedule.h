/* The list scheduler behind limits_reschedule. */
#ifndef SHEAF_TRACES_PROFILE_RESCHEDULE_H
#define SHEAF_TRACES_PROFILE_RESCHEDULE_H

#include "sim/base/arena.h"
#include "traces/profile/limits.h"

/* --- constraints ------------------------------------------------------------------------- */

/* What has to come before what when recorded slots are scheduled anew: a graph without circles. */

#define CONSTRAINTS_END UINT32_MAX

/* A slot that is to be `delay` cycles (0 or 1) later, at least. */
struct constraints_next {
    uint32_t to, delay;
};

/* Slots that wait for each other within a cycle, as in the swap of two words, are bound to
 * share one: the edges of all of them are edges of their first one, the leader. */
struct constraints {
    uint32_t n;                    /* slots */
    uint32_t *leader;              /* by slot; itself for most */
    uint32_t *bound;               /* by slot: the next one bound to the same leader, or CONSTRAINTS_END */
    uint32_t *first;               /* by slot: its edges are next[first[x] ... first[x + 1]) */
    struct constraints_next *next; /* `to` is a leader */
    uint32_t *order;               /* leaders in an order that edges follow */
    uint32_t leaders;
};

/* Of a run without latencies: every edge of the history that is not done away with; and that no slot comes
 * after a jump, halt or pause that it came before. All of it is in `arena`. False when out of memory. */
bool constraints_create(struct constraints *p, const struct history *h, enum limits_freedom free,
                        struct arena *arena);

/* --- the schedule ----------------------------------------------------------------------- */

/* Schedules the recorded slots anew, each on an engine of its kind and on its core; `at`: the cycle
 * of each slot. Their number of cycles, 0 when there are none; UINT32_MAX when out of memory. */
uint32_t reschedule(const struct history *h, const struct isa_machine *machine, const struct constraints *p,
                    uint32_t *at, struct arena *arena);

#endif
