/* Between machine.c and the simulators; nobody else includes this. */
#ifndef SHEAF_SIM_ENGINE_SIMULATOR_H
#define SHEAF_SIM_ENGINE_SIMULATOR_H

#include "sim/machine.h"

/* Words behind each core's scratch, for the fast simulator's buffered writes. */
enum { SIM_SPARE = 512 };

/* Words behind the memory, which the fast simulator may read but not use. */
enum { SIM_SPARE_MEM = 8 };

/* step.c: buffers for one bundle's writes; false when out of memory. */
bool step_create(struct sim *s);
void step_destroy(struct sim *s);

/* Forgets writes in flight. */
void step_reset(struct sim *s);

/* One round over the cores, by the oracle. False if a fault was set; then the
 * faulting core's bundle changed nothing. Cores that come before it in the round
 * have done theirs. */
bool step_round(struct sim *s);

/* One bundle of one core (which must be running, its pc inside the program), by
 * the oracle: also the fast simulator's way to do what it has no fast form for. */
bool step_bundle(struct sim *s, uint32_t core);

/* fast.c: predecode; false when out of memory. */
bool fast_create(struct sim *s);
void fast_destroy(struct sim *s);

/* Up to `rounds` rounds, or until s->effort is used up. Same contract as repeating step_round. */
enum sim_end fast_run(struct sim *s, uint64_t rounds);

/* Work of a bundle: itself, and each slot. */
static inline uint64_t sim_bundle_work(const struct prog *p, uint32_t bundle)
{
    const struct prog_span slots = prog_bundle_slots(p, bundle);
    return 1 + (uint64_t)(slots.end - slots.begin);
}

/* What `work` is to the host that executes it slot by slot: a vector's lanes count. */
static inline uint64_t sim_effort_of(const struct sim *s, uint64_t work)
{
    return work * (1 + s->config.machine.vlen / 8);
}

/* Uses up effort; false when none is left. */
static inline bool sim_spend(struct sim *s, uint64_t effort)
{
    s->effort = s->effort > effort ? s->effort - effort : 0;
    return s->effort > 0;
}

/* Puts the limits in place that a config leaves to the library. */
void sim_fill_limits(struct sim_config *config);

/* Whether some core is running / the end to report when none is. */
bool sim_any_running(const struct sim *s);
enum sim_end sim_end_of(const struct sim *s);

/* Records a fault of slot `slot` (an index into prog->slots, or UINT32_MAX for none)
 * of the bundle at `pc`, and restores that core's pc to it. Returns false. */
bool sim_fail(struct sim *s, uint32_t core, int64_t pc, uint32_t slot, enum sim_fault_kind kind,
              const char *format, ...) __attribute__((format(printf, 6, 7)));

#endif
