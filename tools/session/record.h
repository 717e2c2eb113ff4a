/* A job's programs, run one after the other on the same memory, and recorded. */
#ifndef SHEAF_TOOLS_SESSION_RECORD_H
#define SHEAF_TOOLS_SESSION_RECORD_H

#include "tools/session/job.h"
#include "traces/profile/profile.h"

struct program_record {
    const struct kern_program *program; /* borrowed of the job */
    struct history history;
    uint64_t cycles; /* of the whole program */
};

struct record {
    VEC(struct program_record) programs; /* those that ran */
    uint64_t cycles;                     /* of them all */
    struct sim_fault fault;              /* of the last; kind FAULT_NONE if all is well */
    struct text fault_text;              /* as sim_fault_text */
    bool checked, wrong;                 /* against the job's instance */
    struct kern_wrong first;
};

/* Runs with the options' configuration, and records the cycles of --cycles in each program. EXIT_FINE
 * (also after a fault), or EXIT_USAGE with one error printed; record_free follows either way. */
int record_job(const struct job *j, const struct options *o, struct record *out);
void record_free(struct record *r);

/* What is known of a program besides its run: for profile_make. */
struct profile_request record_request(const struct job *j, const struct program_record *s,
                                      enum breakdown_by by);

/* Prints the fault or the wrong word, where there is one, as an error; the exit status. */
int record_status(const struct record *r);

#endif
