/* What-if runs for advice: the recorded slots under other conditions. */
#ifndef SHEAF_TRACES_WHAT_IF_H
#define SHEAF_TRACES_WHAT_IF_H

#include "traces/advice.h"

/* Longer runs have no list schedules. */
enum { WHAT_IF_MAX_SLOTS = 1000000, WHAT_IF_MAX_EDGES = 1 << 24 };

/* Sets now, renamed, unrolled, wider and relisted of `out`; in *dep the chain that is left when loops are
 * unrolled. ST_OK, ST_NOMEM. */
enum status what_if_run(const struct history *h, const struct limits *l, struct advice *out, uint32_t *dep,
                        struct diag *d);

#endif
