/* Executed bundles and slots. The simulators do not count: where a program has no jumps,
 * what a core has executed is everything before its pc; otherwise it is run a round at
 * a time, and its pc looked at. */
#ifndef SHEAF_SIM_COUNT_H
#define SHEAF_SIM_COUNT_H

#include "sim/machine.h"

/* Runs to the end, resuming paused cores, and adds to times[bundle] how often each was
 * executed, by any core. SIM_STOPPED or SIM_FAULTED. */
enum sim_end count_run(struct sim *s, uint64_t *times);

/* Adds the slots of a bundle that was executed `times` times. */
void count_bundle(const struct prog *p, uint32_t bundle, uint64_t times, uint64_t slots[ISA_ENGINES]);

/* Adds the slots that the run of `s` has executed, by engine; `config` and `mem` are what
 * it started from. True if they could be counted: a program with jumps is run again for
 * it, which is not done after a cycle limit. False with *failed set when out of memory. */
bool count_slots(const struct sim *s, const struct sim_config *config, const uint32_t *mem,
                 uint64_t slots[ISA_ENGINES], bool *failed);

#endif
