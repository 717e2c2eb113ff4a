/* Writes on their way, on a machine whose engines take more than a cycle. A slot issued in cycle c by an
 * engine of latency n reads in cycle c, and what it writes is there from cycle c + n on. Writes that are
 * there from the same cycle on land in the order in which they were issued. A core that stops or pauses
 * waits for its own first; that costs no cycle. */
#ifndef SHEAF_SIM_ENGINE_LATENCY_H
#define SHEAF_SIM_ENGINE_LATENCY_H

#include "sim/observe.h"

/* By the cycle they are there from, modulo the number of lists: all are within ISA_MAX_LATENCY. */
struct late {
    VEC(struct sim_landing) due[ISA_MAX_LATENCY + 1];
    size_t waiting;
    uint64_t issued; /* since the start, or the last that was forgotten */
};

/* Room for `more` writes that are there from `cycle` on; false when out of memory. */
bool late_reserve(struct late *l, uint64_t cycle, size_t more);

/* Adds one, for which there is room, and numbers it; requires s->cycle < cycle <= s->cycle +
 * ISA_MAX_LATENCY. */
void late_add(struct late *l, uint64_t cycle, struct sim_landing write);

/* Lets a core's writes that are due in `cycle` land; of all cores for UINT32_MAX. */
void late_land(struct late *l, struct sim *s, uint64_t cycle, uint32_t core);

/* Lets all of a core's land. */
void late_finish(struct late *l, struct sim *s, uint32_t core);

/* Makes *to, which may hold some, what *from is; false when out of memory, *to as before. */
bool late_copy(struct late *to, const struct late *from);

/* The machine's. */
struct late *late_of(const struct sim *s);

/* Forgets all. */
void late_clear(struct late *l);
void late_free(struct late *l);

#endif
