/* The cause of every empty slot. */
#ifndef SHEAF_TRACES_PROFILE_HOLES_H
#define SHEAF_TRACES_PROFILE_HOLES_H

#include "traces/record/history.h"

/* Why a slot of an engine stayed empty in a cycle, from the nearest to be filled to the
 * farthest. Each later operation of that engine explains at most one empty slot a cycle. */
enum cause {
    CAUSE_MISSED,  /* one was ready and legal here: the schedule missed it */
    CAUSE_SCRATCH, /* one could have moved up but for a scratch word that was still to be read */
    CAUSE_ORDER, /* ... but for an order: of memory accesses, of writes to one word, of what a jump follows */
    CAUSE_READY_LATER, /* operations were left, but their operands were not there yet */
    CAUSE_NONE,        /* none was left (drain), or none had begun (fill) */
    CAUSES
};

/* Who a ready-later operation waits for: the engine of its last operand's producer, or
 * PRODUCER_JUMP where it is a jump that decides whether it is executed at all. */
enum { PRODUCER_JUMP = ENGINE_DEBUG, PRODUCERS };

/* `cause` adds up to slots available less slots used; `producer` to cause[CAUSE_READY_LATER];
 * fill is the part of CAUSE_NONE before the engine's first operation (of a core). */
struct hole_count {
    uint64_t cause[CAUSES], producer[PRODUCERS], fill;
};

struct holes {
    struct hole_count engine[ENGINE_DEBUG];
    /* Of all cores together, by cycle, then engine: */
    uint16_t (*used)[ENGINE_DEBUG];
    uint16_t (*cause)[ENGINE_DEBUG][CAUSES];
    uint32_t cycles;
};

/* ST_OK, or ST_NOMEM. To be freed with holes_free in any case. */
enum status holes_find(const struct history *h, struct holes *out, struct diag *d);
void holes_free(struct holes *h);

/* "missed", "scratch", "order", "ready-later", "none". */
const char *holes_cause_name(enum cause c);
/* "alu" ... "flow", "jump". */
const char *holes_producer_name(unsigned producer);

#endif
