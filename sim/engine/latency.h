/* Writes in flight, on a machine whose engines take more than a cycle. A slot issued in cycle c by an
 * engine of latency n reads in cycle c, and what it writes is there from cycle c + n on. Writes that are
 * there from the same cycle on commit in the order in which they were issued. A core that stops or pauses
 * waits for its own first; that costs no cycle. */
#ifndef SHEAF_SIM_ENGINE_LATENCY_H
#define SHEAF_SIM_ENGINE_LATENCY_H

#include "sim/observe.h"

/* By the cycle they are there from, modulo the number of lists: all are within ISA_MAX_LATENCY. */
struct late {
    VEC(struct sim_commit) due[ISA_MAX_LATENCY + 1];
    size_t waiting;
    uint64_t issued; /* since the start, or the last that was forgotten */
};

/* Room for `more` writes that are there from `cycle` on; false when out of memory. */
bool latency_reserve(struct late *l, uint64_t cycle, size_t more);

/* Adds one, for which there is room, and numbers it; requires s->cycle < cycle <= s->cycle +
 * ISA_MAX_LATENCY. */
void latency_add(struct late *l, uint64_t cycle, struct sim_commit write);

/* Lets a core's writes that are due in `cycle` commit; of all cores for UINT32_MAX. */
void latency_commit(struct late *l, struct sim *s, uint64_t cycle, uint32_t core);

/* Lets all of a core's commit. */
void latency_finish(struct late *l, struct sim *s, uint32_t core);

/* Makes *to, which may hold some, what *from is; false when out of memory, *to as before. */
bool latency_copy(struct late *to, const struct late *from);

/* The machine's. */
struct late *latency_state_of(const struct sim *s);

/* Forgets all. */
void latency_clear(struct late *l);
void latency_free(struct late *l);

#endif
