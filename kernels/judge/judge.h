/* Judging untrusted programs: many fresh inputs, one verdict.
 *
 *     rules ──> judge_deadline ──> judge_inputs_create ──> inputs ──┐
 *     program ──────────────────────────────────────────────────────┴──> judge_program ──> result
 *
 * What counts is the program's bundles and what they leave in memory. Its names, its machine and its debug
 * slots are not looked at; every instance starts from its own image with scratch zero, and there is nothing
 * else in its memory: no expected result, and no other instance.
 */
#ifndef SHEAF_KERNELS_JUDGE_JUDGE_H
#define SHEAF_KERNELS_JUDGE_JUDGE_H

#include "kernels/kernel.h"

enum judge_verdict {
    JUDGE_PASS,
    JUDGE_WRONG,    /* a word that the contract compares differs */
    JUDGE_FAULT,    /* the machine faulted */
    JUDGE_LIMIT,    /* one of the limits, see `limit` */
    JUDGE_REJECTED, /* it is no program */
    JUDGE_ERROR,    /* nothing was judged: the question itself is wrong */
    JUDGE_VERDICTS
};

enum judge_limit {
    JUDGE_CYCLES,
    JUDGE_WORK, /* rounds, or bundles and slots executed: of programs whose bundles cost no cycles */
    JUDGE_SIZE,
    JUDGE_MEMORY,
    JUDGE_TIME,
    JUDGE_LIMITS
};

struct judge_rules {
    const struct kern *kernel;
    struct kern_params params;
    unsigned contract;
    struct isa_machine machine; /* whatever the program says */
    bool strict;                /* two writes to a word in a bundle are a fault */
    uint32_t inputs;            /* at least 1 */
    bool seeded;                /* else from the system's randomness */
    uint64_t seed;              /* of the first; each has the next one */
    uint64_t cycle_limit;       /* of each input; rounds and work in proportion (sim_config) */
    uint64_t time_limit;        /* milliseconds, for the inputs and the runs on all of them */
};

/* The reference machine, 100 inputs not seeded, a million cycles, ten seconds. */
struct judge_rules judge_default_rules(const struct kern *k);

enum { JUDGE_MAX_INPUTS = 100000 };

/* Problems of the rules; data that has named kinds (30 and 32 bits, say) is drawn of every kind that
 * the contract admits. Of sixteen inputs at most eight are ordinary; the others have the kernel's shapes,
 * which take turns in a fixed order: all zeros, equal scores, one crowded expert. All inputs have the shape
 * that the rules' parameters name, if it is not the ordinary one. */
struct judge_inputs {
    struct kern_instance **at;
    uint32_t n;
    size_t words;     /* of each image */
    uint32_t *images; /* one after the other */
};

/* When a judgement that begins now has to be over. The clock is looked at every few milliseconds of work,
 * so that the verdict is there soon after. */
struct deadline judge_deadline(const struct judge_rules *r);

/* How much of a program's text can surely be read within the time limit, in bytes. */
size_t judge_readable(const struct judge_rules *r);

/* ST_OK, ST_INPUT (the contract does not admit the sizes, or no such number of inputs), ST_IO (no
 * randomness), ST_NOMEM, ST_LIMIT (the deadline is over). To be freed in any case. */
enum status judge_inputs_create(const struct judge_rules *r, const struct deadline *deadline,
                                struct judge_inputs *out, struct diag *d);
void judge_inputs_free(struct judge_inputs *in);

/* A number to be below, and whether it was. */
struct judge_threshold {
    uint32_t cycles;
    bool passed;
};

enum { JUDGE_MAX_THRESHOLDS = 16, JUDGE_MAX_WARNINGS = 8, JUDGE_MAX_SHAPES = 32 };

struct judge_result {
    enum judge_verdict verdict;
    enum judge_limit limit;            /* where the verdict is JUDGE_LIMIT */
    char why[600];                     /* in a sentence; empty for a pass */
    uint64_t cycles;                   /* the most of any input that ran to its end */
    uint64_t fewest;                   /* the fewest */
    uint32_t ran;                      /* inputs that did */
    uint32_t shaped[JUDGE_MAX_SHAPES]; /* inputs by shape, in the order of the kernel's choices */
    /* Of the first that did not pass; seed and parameters make it again. */
    uint32_t input;
    uint64_t seed;
    struct kern_params params;
    struct kern_wrong wrong; /* where wrong */
    struct sim_fault fault;  /* where it faulted */
    struct judge_threshold threshold[JUDGE_MAX_THRESHOLDS];
    unsigned n_thresholds;
    struct isa_machine asked; /* the machine that the program asks for, which is ignored; where it was run */
    char warning[JUDGE_MAX_WARNINGS][160];
    unsigned n_warnings;
};

/* Runs the program on all inputs. ST_OK with the verdict in *out, ST_NOMEM. */
enum status judge_program(const struct judge_rules *r, const struct deadline *deadline,
                          const struct judge_inputs *in, const struct prog *p, struct judge_result *out,
                          struct diag *d);

/* The verdict where the deadline was over before there were inputs, or a text could not be read by it. */
void judge_out_of_time(const struct judge_rules *r, struct judge_result *out);

/* The verdict on a text that is no program: `status` and `d` are its reader's. */
void judge_reject(enum status status, const struct diag *d, struct judge_result *out);

/* The verdict where the rules are wrong, or there is nothing to judge with. */
void judge_error(const struct diag *d, struct judge_result *out);

/* "pass", ...; "cycles", ... */
const char *judge_verdict_name(enum judge_verdict v);
const char *judge_limit_name(enum judge_limit l);

/* What a grader should worry about, and what is done about each; NULL beyond the last. */
struct judge_concern {
    const char *worry, *answer;
};
const struct judge_concern *judge_concern(unsigned i);

#endif
