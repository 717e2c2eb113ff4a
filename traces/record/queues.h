/* The recorded slots of each engine of each core, in the order of execution. */
#ifndef SHEAF_TRACES_RECORD_QUEUES_H
#define SHEAF_TRACES_RECORD_QUEUES_H

#include "traces/record/history.h"

#define QUEUE_END UINT32_MAX

struct queues {
    uint32_t first[ISA_MAX_CORES][ENGINE_DEBUG]; /* a slot, or QUEUE_END */
    uint32_t *next;                              /* by slot */
};

/* False when out of memory. To be freed in any case. */
bool queues_create(struct queues *q, const struct history *h);
void queues_free(struct queues *q);

#endif
