/* The batch simulator: one program on many memories, all at once. What each instance
 * ends with is what a machine of its own (machine.h) would end with, fault and all.
 *
 *      prog ──> batch_create ──> batch_run ──> batch_state(i): cycle, memory, fault
 *      mems ──┘     └──────────< batch_reset <───────┘
 *
 * Instances run in lockstep, a tile of them at a time, each word of all of them side
 * by side, so that a slot is a short loop over instances on the host's vector unit.
 * Whoever goes another way than the rest (a jump, a fault, an access of its own kind)
 * leaves the tile and goes on alone, on the fast simulator. */
#ifndef SHEAF_SIM_ENGINE_BATCH_H
#define SHEAF_SIM_ENGINE_BATCH_H

#include "sim/machine.h"

struct sim_batch;

enum { BATCH_MAX_WORDS = 1 << 27 };

/* A batch at its start. `mems` holds the instances' memories, mem_words words each,
 * one after the other; it is copied. The program is borrowed; of the configuration,
 * `engine` is ignored. ST_OK, ST_NOMEM, ST_INPUT when the configuration is impossible, ST_LIMIT when
 * the instances' scratch and memory would take more than BATCH_MAX_WORDS words. */
enum status batch_create(const struct prog *p, const struct sim_config *config, const uint32_t *mems,
                         size_t mem_words, uint32_t instances, struct sim_batch **out, struct diag *d);
/* NULL is fine. */
void batch_destroy(struct sim_batch *b);

/* Back to the start with other memories (as many, and of the same size); translated
 * code is kept. */
void batch_reset(struct sim_batch *b, const uint32_t *mems);

/* Runs every instance to its end, resuming it when it pauses. Instances that have
 * ended stay as they are. */
void batch_run(struct sim_batch *b);

/* The same, until about `effort` is spent, as sim_run_for means it. Whether all have ended;
 * else it goes on at the next call, and states are only those of instances that have ended. */
bool batch_run_for(struct sim_batch *b, uint64_t effort);

/* Whether instance i has ended. */
bool batch_ended(const struct sim_batch *b, uint32_t i);

/* Instance i as a machine: memory, cores (pc, state, scratch, trace), cycle, rounds,
 * double_writes, fault. To be looked at, not run; the batch owns it. After batch_run it
 * has stopped, or its fault says why not. */
const struct sim *batch_state(const struct sim_batch *b, uint32_t i);

/* How many calls of sim_run its run would have been: one more than it paused. */
uint64_t batch_runs(const struct sim_batch *b, uint32_t i);

#endif
