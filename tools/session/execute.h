/* Running a job's programs, one after the other on the same memory. */
#ifndef SHEAF_TOOLS_SESSION_EXECUTE_H
#define SHEAF_TOOLS_SESSION_EXECUTE_H

#include "tools/session/job.h"

/* One of the programs, run. */
struct program_outcome {
    const char *name;
    uint64_t cycles;
};

struct outcome {
    VEC(struct program_outcome) programs;
    uint32_t *mem; /* at the end, or at the fault */
    uint64_t cycles, double_writes;
    uint64_t slots[ISA_ENGINES]; /* executed; only where counted */
    bool counted;
    double seconds;                     /* of one run, by the simulator asked for */
    const struct kern_program *program; /* the last program run */
    struct sim_fault fault;             /* its fault; kind FAULT_NONE if all is well */
    struct text fault_text;             /* as sim_fault_text */
    struct text difference;             /* cross-check: the first value that differs; empty if they agree */
};

/* The configuration the options ask for. False with one error printed. */
bool execute_config(const struct job *j, const struct options *o, struct sim_config *config,
                    bool *cross_check);

/* Runs until every core of every program has stopped, or a fault. EXIT_FINE, or
 * EXIT_USAGE with one error printed; outcome_free follows either way. */
int execute(const struct job *j, const struct sim_config *config, bool both, struct outcome *out);
void outcome_free(struct outcome *out);

/* cross_check.c: where the two machines differ, as one line; nothing if they do not. */
void cross_check(const struct sim *step, const struct sim *fast, struct text *out);

#endif
