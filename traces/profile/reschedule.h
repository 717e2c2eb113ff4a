/* The list scheduler behind limits_reschedule. */
#ifndef SHEAF_TRACES_PROFILE_RESCHEDULE_H
#define SHEAF_TRACES_PROFILE_RESCHEDULE_H

#include "traces/profile/constraints.h"

/* Schedules the recorded slots anew, each on an engine of its kind and on its core; `at`: the cycle
 * of each slot. Their number of cycles, 0 when there are none; UINT32_MAX when out of memory. */
uint32_t reschedule(const struct history *h, const struct isa_machine *machine, const struct constraints *p,
                    uint32_t *at, struct arena *arena);

#endif
