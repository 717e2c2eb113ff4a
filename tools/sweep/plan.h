/* A sweep's points: every kernel and variant on every machine and size of a grid, or a
 * sample of them; and what each point came to. */
#ifndef SHEAF_TOOLS_SWEEP_PLAN_H
#define SHEAF_TOOLS_SWEEP_PLAN_H

#include "sim/base/arena.h"
#include "tools/pool/pool.h"
#include "tools/session/job.h"

enum { SWEEP_MAX_POINTS = 100000, SWEEP_MAX_VALUES = 4096 };

/* What varies: a parameter of machines or of kernels. */
struct sweep_axis {
    bool machine;
    const char *name;
    VEC(const char *) values;
};

/* A variant, with what does not vary. */
struct sweep_subject {
    const struct kern *kernel;
    const struct kern_variant *variant;
    struct kern_params params;
    struct isa_machine machine;
    unsigned contracts[KERN_MAX_CONTRACTS], n_contracts;
};

/* Declared hardware cost, of one unit each:
 *
 *     cores * (alu * slots + vlen * (valu, load, store, flow: weight * slots) + word * scratch)
 *
 * valu slots compute vlen lanes, load and store slots move as many words, flow slots
 * select as many; latencies and the memory cost nothing. */
struct sweep_weights {
    double engine[ENGINE_DEBUG], word;
};

enum sweep_answer { SWEEP_NONE, SWEEP_WRONG, SWEEP_CORRECT };

struct sweep_row {
    const char *key; /* its columns before the result's, with commas between */
    uint64_t index;  /* in the grid */
    double cost;
    bool done;
    enum sweep_answer correct;
    uint64_t cycles, bound; /* 0: none, not known */
    double seconds;         /* to build and run it */
    const char *reason;     /* why there is no result; "" if there is */
};

struct sweep_plan {
    VEC(struct sweep_subject) subjects;
    VEC(struct sweep_axis) axes;
    VEC(const char *) columns; /* of a key */
    VEC(struct sweep_row) rows;
    struct sweep_weights weights;
    unsigned effort;
    uint64_t seed;
    struct arena arena; /* all texts */
};

struct sweep_point {
    const struct sweep_subject *subject;
    struct kern_params params;
    struct isa_machine machine;
    unsigned contract;
};

/* From the operands and options. EXIT_FINE, or EXIT_USAGE with one error printed;
 * sweep_plan_free either way. */
int sweep_plan_make(struct sweep_plan *p, const struct options *o);
void sweep_plan_free(struct sweep_plan *p);

/* The point of a row. */
struct sweep_point sweep_point_at(const struct sweep_plan *p, uint64_t index);

/* Builds and runs a point: appends the columns of its result, as they stand in a file:
 * cycles,bound,ratio,correct,seconds,reason. */
void sweep_point_run(const struct sweep_plan *p, const struct sweep_point *x, struct text *out);

/* The columns of a result for a point that has none. */
void sweep_no_result(const char *reason, double seconds, struct text *out);

/* Reads such columns into the row; false when they are none (or out of memory). */
bool sweep_row_read(struct sweep_plan *p, struct sweep_row *row, const char *text, size_t n);

#endif
