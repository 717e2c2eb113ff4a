/* Watching a machine: a sink is told of every bundle as it is executed. A machine that
 * is watched is run by the oracle, whatever its simulator; the state and the faults are the
 * same. One that is not watched pays nothing. */
#ifndef SHEAF_SIM_OBSERVE_H
#define SHEAF_SIM_OBSERVE_H

#include "sim/machine.h"

/* A word that a slot writes. */
struct sim_write {
    int64_t address;
    uint32_t value;
    uint32_t slot; /* an index into prog->slots */
};

/* A bundle that all slots have read for, without a fault, and whose writes commit next:
 * `sim` is the state before it. Writes are in the order of the slots; of two to one word
 * that commit together the later one stays. */
struct sim_bundle {
    const struct sim *sim;
    uint32_t core, bundle;
    const struct sim_write *scratch, *mem;
    size_t n_scratch, n_mem;
    int64_t next_pc;
    uint64_t number; /* of its first write, on a machine with latencies */
};

/* A write that commits next, on a machine with latencies. They are numbered as they are issued: a
 * bundle's one after the other, those to scratch before those to memory. */
struct sim_commit {
    uint64_t number;
    uint64_t round, cycle; /* in which it was issued */
    uint32_t bundle, slot; /* an index into prog->slots */
    uint32_t core, address, value;
    bool in_memory;
};

/* A sink that fails keeps its failure to itself; the caller of the run asks for it. */
struct sim_sink {
    void (*bundle)(void *user, const struct sim_bundle *b);
    void *user;
    void (*commit)(void *user, const struct sim_commit *l); /* may be NULL */
};

/* Watches from now on; NULL ends it. The sink is borrowed. */
void sim_observe(struct sim *s, const struct sim_sink *sink);

#endif
