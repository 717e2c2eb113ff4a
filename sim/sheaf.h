/* sheaf: a cycle-accurate simulator of a bundle-based VLIW/SIMD machine.
 *
 *      program (JSON, assembly)        memory (an array of words)
 *              │                              │
 *      sheaf_program_load             sheaf_machine_create ◄── struct sheaf_config
 *              └──────────────────────────────┤
 *                                      sheaf_run / sheaf_step
 *                                             │
 *                       sheaf_cycle, sheaf_memory, sheaf_scratch, sheaf_fault ...
 *
 * In a program of your own (cc prog.c -lsheaf):
 *
 *      struct sheaf_program *program;
 *      struct sheaf_machine *machine;
 *      struct sheaf_error error;
 *      uint32_t memory[64] = {1, 2, 3};
 *
 *      if (sheaf_program_load("kernel.json", &program, &error) != SHEAF_OK ||
 *          sheaf_machine_create(program, NULL, memory, 64, &machine, &error) != SHEAF_OK)
 *          return puts(error.text), 1;
 *      while (sheaf_run(machine) == SHEAF_PAUSED)
 *          continue;
 *      printf("%llu cycles, word 0 is %u\n", (unsigned long long)sheaf_cycle(machine),
 *             sheaf_memory(machine, NULL)[0]);
 *      sheaf_machine_destroy(machine);
 *      sheaf_program_destroy(program);
 *
 * Programs are also made by sheaf_builder.h, from kernels that say what to compute.
 *
 * Contract
 * - Programs and memory need not be trusted: nothing in them can crash the library,
 *   make it write outside its machine, or run on for ever: cycles, rounds over the cores, and
 *   bundles and slots executed have limits, whatever the config says, and so has a machine's size.
 * - A program is never changed once it is there and must outlive its machines. A
 *   machine belongs to one thread at a time; different ones are independent.
 * - Nothing is printed; nothing exits; there is no state outside the objects.
 * - Pointers that are returned belong to the object they came from and hold until it
 *   is destroyed, unless it says otherwise. Destroying NULL does nothing.
 * - Words are unsigned 32 bit. The machine itself is described in sim/README.md. */
#ifndef SHEAF_H
#define SHEAF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined __GNUC__
#define SHEAF_API __attribute__((visibility("default")))
#else
#define SHEAF_API
#endif

#define SHEAF_VERSION "0.1.0"

/* The version of the library that was linked, which may be newer than the header. */
SHEAF_API const char *sheaf_version(void);

/* What bindings that cannot read this header have to know, as one JSON object, into `size`
 * bytes; returns the length that was needed, like snprintf, or 0 when out of memory:
 *      version
 *      engines, simulators, operators   names in the order of their codes: SHEAF_ALU ...,
 *                                       enum sheaf_simulator, enum sheaf_operator
 *      machine                          the reference machine: slots by engine, vlen, scratch, cores
 *      limits                           what a machine may have at most, of each: slots, latency ...
 *      config                           struct sheaf_config: its size in bytes, and its fields in
 *                                       order: name, type ("unsigned", "bool", "pointer"), at (its
 *                                       offset), bytes (of an element), count (of elements) */
SHEAF_API size_t sheaf_describe(char *text, size_t size);

enum sheaf_status {
    SHEAF_OK,
    SHEAF_NO_MEMORY, /* of the host */
    SHEAF_IO,        /* the operating system refused a file operation */
    SHEAF_INPUT,     /* the program or the configuration is wrong */
    SHEAF_LIMIT      /* it is larger than the library allows */
};

/* What was wrong, in words, for people. Every function that takes one accepts NULL. */
struct sheaf_error {
    char text[1024];       /* may have three lines: message, the input's line, a caret */
    unsigned line, column; /* from 1; 0 when there is no position */
};

/* --- programs ----------------------------------------------------------------- */

struct sheaf_program;

/* Reads a file by its name: assembly if it ends in ".s", else JSON; "-" is standard
 * input. On failure *out is NULL. */
SHEAF_API enum sheaf_status sheaf_program_load(const char *path, struct sheaf_program **out,
                                               struct sheaf_error *error);

/* The same from memory: `size` bytes, which need no terminating NUL. `name` stands
 * for the input in messages and may be NULL. */
SHEAF_API enum sheaf_status sheaf_program_parse_json(const char *text, size_t size, const char *name,
                                                     struct sheaf_program **out, struct sheaf_error *error);
SHEAF_API enum sheaf_status sheaf_program_parse_asm(const char *text, size_t size, const char *name,
                                                    struct sheaf_program **out, struct sheaf_error *error);

/* CPython's types, constants and functions by address, and where in an object its items are: for a
 * binding that runs in a Python's process. The types are those that id() of `int` and so on says. */
struct sheaf_python {
    const void *int_type, *float_type, *text_type, *list_type, *tuple_type, *dict_type;
    void *none_object, *true_object, *false_object;
    size_t tuple_items, list_items;                /* of the first item; of the address of the first */
    long long (*int_value)(void *, int *overflow); /* PyLong_AsLongLongAndOverflow */
    unsigned long long (*int_modulo)(void *);      /* PyLong_AsUnsignedLongLongMask */
    double (*float_value)(void *);                 /* PyFloat_AsDouble */
    const char *(*text)(void *, ptrdiff_t *);      /* PyUnicode_AsUTF8AndSize */
    ptrdiff_t (*text_length)(void *);              /* PyUnicode_GetLength, and */
    uint32_t (*text_at)(void *, ptrdiff_t);        /* PyUnicode_ReadChar, or NULL: see below */
    int (*list_append)(void *, void *);            /* PyList_Append */
    int (*dict_next)(void *, ptrdiff_t *, void **, void **); /* PyDict_Next */
};

/* The same from a list of bundles as Python has them, and a dict of scratch names or NULL. The interpreter's
 * lock has to be held. Only objects of the types above are read, not of types derived from them, and no
 * Python code is run. SHEAF_INPUT without a word is the answer to anything else, and to what is no program:
 * sheaf_program_parse_json says what is wrong.
 * A text with half a surrogate pair ends it with Python's exception for that, unless
 * it is looked for with text_at, which takes longer.
 * Two empty lists are filled: `slots` with each slot that cannot change, or None, and `keys` with the object
 * of each text. A text that is not in JSON is "<object N>", N its number. Unless *lasting, a key can change.
 */
SHEAF_API enum sheaf_status sheaf_program_from_python(const struct sheaf_python *python, void *bundles,
                                                      void *names, void *slots, void *keys, bool *lasting,
                                                      struct sheaf_program **out);

/* Whether reading these would give this program, which was read so, with these slots and keys, and is
 * lasting. */
SHEAF_API bool sheaf_program_is_python(const struct sheaf_program *program, const struct sheaf_python *python,
                                       void *bundles, void *names, void *slots, void *keys);

/* Writes it to a file: as assembly if the name ends in ".s", else as JSON; "-" is
 * standard output. */
SHEAF_API enum sheaf_status sheaf_program_save(const struct sheaf_program *program, const char *path,
                                               struct sheaf_error *error);

/* Writes it as JSON into `size` bytes; returns the length that was needed, like
 * snprintf, or 0 when out of memory. */
SHEAF_API size_t sheaf_program_json(const struct sheaf_program *program, char *text, size_t size);

/* How many bundles it has. */
SHEAF_API size_t sheaf_program_bundles(const struct sheaf_program *program);

/* The texts in it by number, from 0, as compact JSON: the keys of debug compares, as
 * struct sheaf_value spells them, and comments. NULL beyond the last. */
SHEAF_API const char *sheaf_program_text(const struct sheaf_program *program, size_t i);

SHEAF_API void sheaf_program_destroy(struct sheaf_program *program);

/* --- machines ----------------------------------------------------------------- */

struct sheaf_machine;

enum sheaf_simulator {
    SHEAF_STEP, /* plain, the one that defines what is right */
    SHEAF_FAST  /* the same results, many times faster */
};

/* An expected value for debug compares; the key is compact JSON: [0,1,"val"]. */
struct sheaf_value {
    const char *key;
    uint32_t value;
};

enum { SHEAF_ALU, SHEAF_VALU, SHEAF_LOAD, SHEAF_STORE, SHEAF_FLOW, SHEAF_ENGINES };

/* Start from sheaf_config_default(), then change what you need. */
struct sheaf_config {
    size_t size; /* of this struct as the caller knows it; leave it */
    enum sheaf_simulator simulator;
    bool pause;           /* pause slots pause */
    bool debug;           /* debug compares are checked against `values` */
    bool strict;          /* two writes to one word in one bundle are a fault */
    uint64_t cycle_limit; /* going beyond it is a fault */
    uint64_t trace_limit; /* words a core's trace may hold */
    /* The machine; 0 means what the program says, or else the reference machine. */
    uint32_t slots[SHEAF_ENGINES];    /* a cycle, by engine */
    uint32_t vlen, scratch, cores;    /* lanes of a vector, words of scratch, cores */
    const struct sheaf_value *values; /* used by sheaf_machine_create only */
    size_t n_values;
    uint32_t latency[SHEAF_ENGINES]; /* cycles until what an engine writes is there; 0 as above */
    /* Going beyond these is a fault, too: a bundle may cost no cycle, and one that costs one may have
     * any number of debug slots. 0: 4 * cycle_limit + 2^20 rounds; 128 * (cycle_limit + 2^20) work. */
    uint64_t round_limit; /* rounds over the cores */
    uint64_t work_limit;  /* bundles and slots executed, on all cores */
};

/* Fills the first `size` bytes of a config with the defaults: fast simulator, no pause,
 * no compares, not strict, 10^9 cycles, 2^24 trace words, the program's machine. */
SHEAF_API void sheaf_config_init(struct sheaf_config *config, size_t size);

static inline struct sheaf_config sheaf_config_default(void)
{
    struct sheaf_config config;
    sheaf_config_init(&config, sizeof config);
    return config;
}

/* A machine before its first cycle: scratch zero, memory a copy of `words` words.
 * `config` NULL means the defaults. On failure *out is NULL. */
SHEAF_API enum sheaf_status sheaf_machine_create(const struct sheaf_program *program,
                                                 const struct sheaf_config *config, const uint32_t *memory,
                                                 size_t words, struct sheaf_machine **out,
                                                 struct sheaf_error *error);

/* Back to before the first cycle, with other memory of the same size: much cheaper
 * than a new machine. */
SHEAF_API void sheaf_machine_reset(struct sheaf_machine *machine, const uint32_t *memory);

/* Goes on under another config: its engine, pause, debug, strict, limits and values. The
 * state and all pointers to it are kept. On failure nothing has changed. */
SHEAF_API enum sheaf_status sheaf_machine_change(struct sheaf_machine *machine,
                                                 const struct sheaf_config *config,
                                                 struct sheaf_error *error);

/* The same with another program, at the number of the bundle that would have been next. */
SHEAF_API enum sheaf_status sheaf_machine_program(struct sheaf_machine *machine,
                                                  const struct sheaf_program *program,
                                                  const struct sheaf_config *config,
                                                  struct sheaf_error *error);

/* What debug compares expect from here on, by number of the program's text (see sheaf_program_text): a word,
 * or by `kinds` none, or something that no word equals,
 * which messages call "<value N>". `kinds` NULL: all are words. Replaces the config's
 * values, and is replaced by sheaf_machine_change. */
enum sheaf_expectation { SHEAF_EXPECT_UNKNOWN, SHEAF_EXPECT_WORD, SHEAF_EXPECT_OTHER };
SHEAF_API enum sheaf_status sheaf_machine_expect(struct sheaf_machine *machine, const uint32_t *words,
                                                 const uint8_t *kinds, size_t n);

/* Another machine in the same state, which goes on by itself: memory, scratch, traces, cycle, limits, fault.
 * The program is shared and must outlive both. On failure *out is NULL. */
SHEAF_API enum sheaf_status sheaf_machine_copy(const struct sheaf_machine *machine,
                                               struct sheaf_machine **out, struct sheaf_error *error);

SHEAF_API void sheaf_machine_destroy(struct sheaf_machine *machine);

/* --- running ------------------------------------------------------------------ */

enum sheaf_end {
    SHEAF_STOPPED, /* every core has stopped */
    SHEAF_PAUSED,  /* no core runs, some paused: running again resumes them */
    SHEAF_FAULTED, /* see sheaf_fault; the faulting bundle has changed nothing */
    SHEAF_MORE     /* the rounds asked for are over, a core still runs */
};

/* Resumes paused cores and runs until no core does. */
SHEAF_API enum sheaf_end sheaf_run(struct sheaf_machine *machine);

/* Runs at most `rounds` rounds, each at most one bundle of each core; paused cores
 * are resumed only if none is running. */
SHEAF_API enum sheaf_end sheaf_step(struct sheaf_machine *machine, uint64_t rounds);

/* The same, but comes back with SHEAF_MORE after some tens of milliseconds, whatever the program does: for
 * callers who look at a clock or at signals in between. */
SHEAF_API enum sheaf_end sheaf_run_some(struct sheaf_machine *machine);

/* --- looking at the state ------------------------------------------------------- */

SHEAF_API uint64_t sheaf_cycle(const struct sheaf_machine *machine);

/* Writes replaced by a later one to the same word in the same bundle. */
SHEAF_API uint64_t sheaf_double_writes(const struct sheaf_machine *machine);

/* The memory, which may be changed between runs; its size in *words unless NULL. */
SHEAF_API uint32_t *sheaf_memory(struct sheaf_machine *machine, size_t *words);

/* Of one core, counted from 0. Where there is no such core: NULL, -1, stopped. */
enum sheaf_state { SHEAF_CORE_RUNNING, SHEAF_CORE_PAUSED, SHEAF_CORE_STOPPED };
SHEAF_API uint32_t sheaf_cores(const struct sheaf_machine *machine);
SHEAF_API uint32_t *sheaf_scratch(struct sheaf_machine *machine, uint32_t core, size_t *words);
SHEAF_API int64_t sheaf_pc(const struct sheaf_machine *machine, uint32_t core);
SHEAF_API enum sheaf_state sheaf_core_state(const struct sheaf_machine *machine, uint32_t core);

/* What its trace writes appended, until the machine runs on or is reset. */
SHEAF_API const uint32_t *sheaf_trace(const struct sheaf_machine *machine, uint32_t core, size_t *words);

/* Texts hold until the machine is reset or destroyed. */
struct sheaf_fault {
    const char *kind; /* "out_of_range", "divide_by_zero", ... */
    uint32_t core;
    uint64_t cycle;        /* the faulting bundle is not counted */
    int64_t pc;            /* its number */
    const char *engine;    /* NULL when no slot is to blame */
    uint32_t slot;         /* from 0, in its engine's list */
    const char *slot_text; /* in assembly, with names */
    const char *what;      /* what was found, and what was expected */
};

/* Whether there was a fault, and which, in *out unless NULL. */
SHEAF_API bool sheaf_fault(const struct sheaf_machine *machine, struct sheaf_fault *out);

/* All of it in one line, into `size` bytes; returns the length that was needed, like
 * snprintf. Empty without a fault. */
SHEAF_API size_t sheaf_fault_text(const struct sheaf_machine *machine, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
