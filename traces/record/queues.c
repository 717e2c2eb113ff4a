#include "traces/record/queues.h"

#include <stdlib.h>

bool queues_create(struct queues *q, const struct history *h)
{
    for (unsigned core = 0; core < ISA_MAX_CORES; core++)
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            q->first[core][e] = QUEUE_END;
    q->next = malloc((hist_n(h) + 1u) * sizeof *q->next);
    for (uint32_t x = hist_n(h); q->next && x-- > 0;) {
        uint32_t *first = &q->first[hist_core(h, x)][h->slots.at[x].engine];
        q->next[x] = *first;
        *first = x;
    }
    return q->next != NULL;
}

void queues_free(struct queues *q)
{
    free(q->next);
    q->next = NULL;
}
