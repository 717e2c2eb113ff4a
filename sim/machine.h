/* The machine: cores, scratch, memory, cycle counter, faults. Two engines run it,
 * step.c (the oracle: plain and literal) and fast.c (predecoded), with the same
 * results and the same faults; batch.h runs many at once.
 *
 *      prog ──> sim_create ──> sim_run / sim_step ──> state, or a fault
 *                 mem ──┘          │
 *                              step | fast
 */
#ifndef SHEAF_SIM_MACHINE_H
#define SHEAF_SIM_MACHINE_H

#include "sim/program/program.h"

enum sim_simulator { SIM_STEP, SIM_FAST, SIM_SIMULATORS };

enum sim_fault_kind {
    FAULT_NONE,
    FAULT_OUT_OF_RANGE,
    FAULT_DIVIDE_BY_ZERO,
    FAULT_SLOT_LIMIT,
    FAULT_UNKNOWN_OP,
    FAULT_DEBUG_MISMATCH,
    FAULT_WRITE_CONFLICT, /* strict mode only */
    FAULT_CYCLE_LIMIT,
    FAULT_ROUND_LIMIT,
    FAULT_WORK_LIMIT,
    FAULT_TRACE_LIMIT,   /* a trace buffer outgrew its limit */
    FAULT_OUT_OF_MEMORY, /* of the host */
    FAULT_KINDS
};

enum sim_core_state { CORE_RUNNING, CORE_PAUSED, CORE_STOPPED };

/* How a call ended. */
enum sim_end {
    SIM_STOPPED, /* every core has stopped */
    SIM_PAUSED,  /* none runs, at least one paused */
    SIM_FAULTED, /* see sim.fault; the faulting bundle changed nothing */
    SIM_MORE,    /* the rounds or the effort asked for are over, a core still runs */
};

/* One expected value for debug compares; `key` is compact JSON. */
struct sim_value {
    const char *key;
    uint32_t value;
};

struct sim_config {
    struct isa_machine machine;
    enum sim_simulator simulator;
    bool pause;                     /* `pause` slots pause */
    bool debug;                     /* debug compares are checked */
    bool strict;                    /* two writes to one word in a bundle are a fault */
    uint64_t cycle_limit;           /* a bundle that would cost a cycle beyond it faults */
    uint64_t round_limit;           /* so does one in a round beyond it; 0: in proportion to cycle_limit */
    uint64_t work_limit;            /* so does one whose slots would exceed it; 0: likewise */
    uint64_t trace_limit;           /* words a core's trace buffer may hold */
    const struct sim_value *values; /* used by sim_create only; may be NULL */
    size_t n_values;
};

struct sim_core {
    int64_t pc; /* the next bundle; at a fault, the faulting one */
    enum sim_core_state state;
    uint32_t *scratch; /* machine.scratch words (what lies behind them is the engine's) */
    VEC(uint32_t) trace;
    int64_t loop_from, loop_to; /* its last backward jump, for cycle_limit; -1 none */
};

struct sim_fault {
    enum sim_fault_kind kind;
    uint32_t core;
    uint64_t cycle;         /* the counter, the faulting bundle not counted */
    int64_t pc;             /* of the bundle */
    enum isa_engine engine; /* ISA_ENGINES when no slot is to blame */
    uint32_t slot;          /* within its engine's list, from 0 */
    char slot_text[160];    /* as prog_slot_text, clipped */
    char what[200];         /* what was found, what was expected */
};

/* An expected value by index of the program's text. */
enum sim_expectation { EXPECT_UNKNOWN, EXPECT_WORD, EXPECT_OTHER /* than any word */ };
struct sim_expected {
    uint8_t kind;
    uint32_t value;
};

struct sim_sink;       /* observe.h */
struct sim_step_state; /* step.c: write buffers */
struct sim_fast;       /* fast.c: predecoded code */

struct sim {
    const struct prog *prog; /* borrowed: must outlive the machine */
    struct sim_config config;
    struct sim_core *cores;
    uint32_t *mem;
    size_t mem_words;
    uint64_t cycle;
    uint64_t rounds;               /* rounds over the cores, those that cost nothing included */
    uint64_t work;                 /* bundles and slots executed, free ones and debug included */
    uint64_t double_writes;        /* writes replaced by a later one of the same bundle */
    struct sim_fault fault;        /* kind FAULT_NONE while all is well */
    struct sim_expected *expected; /* one for each of prog->texts; NULL without values */
    const struct sim_sink *sink;   /* NULL: nobody watches */
    uint64_t effort;               /* left of sim_run_for's; UINT64_MAX: as much as it takes */
    struct sim_step_state *step;
    struct sim_fast *fast;
};

/* The reference machine, fast simulator, no pause, debug compares on, compat mode, and
 * limits that end an endless loop within seconds: 10^9 cycles, and rounds and work in
 * proportion. */
struct sim_config sim_default_config(void);

/* Words of scratch on all cores together: clearing them takes the host tens of milliseconds. */
enum { SIM_MAX_SCRATCH = 1 << 24 };

/* A machine at its start: scratch zero, memory a copy of `mem`. ST_OK, ST_NOMEM,
 * ST_INPUT when the configuration is impossible, ST_LIMIT when its scratch is too large. */
enum status sim_create(const struct prog *p, const struct sim_config *config, const uint32_t *mem,
                       size_t mem_words, struct sim **out, struct diag *d);
void sim_destroy(struct sim *s);

/* Back to the start with other memory (of the same size as at creation);
 * predecoded code is kept. */
void sim_reset(struct sim *s, const uint32_t *mem);

/* Turns paused cores to running and runs until none does. */
enum sim_end sim_run(struct sim *s);

/* At most `rounds` rounds over the cores; paused cores are resumed only if no core is
 * running at the start. */
enum sim_end sim_step(struct sim *s, uint64_t rounds);

/* The same, until about `effort` of work by the host are spent, a unit being some ten
 * nanoseconds: SIM_MORE when a core runs on. It goes beyond that by no more than one bundle
 * and one pass through the program. For callers who look at a clock. */
enum sim_end sim_run_for(struct sim *s, uint64_t effort);

/* Effort that takes the host a few milliseconds. */
enum { SIM_SLICE = 1 << 18 };

/* "out_of_range", as recorded runs name it. */
const char *sim_fault_name(enum sim_fault_kind kind);
const char *sim_simulator_name(enum sim_simulator simulator);
/* SIM_SIMULATORS if there is none of that name. */
enum sim_simulator sim_find_simulator(const char *name);

/* The fault in one line for people: kind, core, cycle, bundle, engine, slot, text. */
void sim_fault_text(const struct sim *s, struct text *out);

#endif
