/* sheaf_builder: kernels written as what to compute, built into packed bundles.
 *
 *      sheaf_kernel_create ◄── struct sheaf_config (the machine), or NULL
 *              │
 *      sheaf_load, sheaf_add, sheaf_for ... one call an operation, on registers
 *              │
 *      sheaf_kernel_build: engine, cycle and scratch word of everything; verified
 *              ├───────────────────────────┐
 *      struct sheaf_program          sheaf_kernel_run ──> memory, struct sheaf_report
 *      (sheaf_machine_create,
 *       sheaf_program_save)
 *
 * The sum of the words 0 to 63 into word 64:
 *
 *      uint32_t memory[65] = {1, 2, 3};
 *      struct sheaf_report report;
 *      struct sheaf_error error;
 *      struct sheaf_kernel *k = sheaf_kernel_create(NULL);
 *      struct sheaf_reg sum = sheaf_var(k, "sum", sheaf_const(k, 0));
 *      struct sheaf_reg i = sheaf_for(k, 0, 64, 1);
 *      sheaf_set(k, sum, sheaf_add(k, sum, sheaf_load(k, i)));
 *      sheaf_end_for(k);
 *      sheaf_store(k, sheaf_const(k, 64), sum);
 *      if (sheaf_kernel_run(k, memory, 65, &report, &error) != SHEAF_OK)
 *          return puts(error.text), 1;
 *      printf("%llu cycles, the sum is %u\n", (unsigned long long)report.cycles, memory[64]);
 *      sheaf_kernel_destroy(k);
 *
 * Contract
 * - Operations mean what they would mean executed one after the other, as they were
 *   called. How they overlap is the builder's business and changes nothing.
 * - A register is one word or a vector of them (as many as the machine's lanes) and can
 *   be assigned anew; constants cannot. It has a value from the call that returned it.
 *   Beside a vector, a scalar stands for itself in every lane.
 * - The first failure is kept: every later call does nothing, and build and run report
 *   it. No other call needs checking, sheaf_kernel_create and NULL kernels included.
 * - A loop is built once and executed often: its body is packed by itself, and several
 *   elements an iteration (a C loop around the calls) fill more slots than one.
 * - A kernel belongs to one thread at a time. The rest is as in sheaf.h. */
#ifndef SHEAF_BUILDER_H
#define SHEAF_BUILDER_H

#include "sim/sheaf.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sheaf_kernel;

/* A scalar or a vector of a kernel, passed by value. The fields are the library's. */
struct sheaf_reg {
    uint32_t block;
    uint16_t word;
    uint8_t stride, lanes;
};

/* A new kernel for the machine that `config` asks for (engine and limits do not matter);
 * NULL means the reference machine. NULL when out of memory. */
SHEAF_API struct sheaf_kernel *sheaf_kernel_create(const struct sheaf_config *config);

/* Its program goes with it. */
SHEAF_API void sheaf_kernel_destroy(struct sheaf_kernel *kernel);

/* What was wrong first, or NULL while all is well. */
SHEAF_API const char *sheaf_kernel_error(const struct sheaf_kernel *kernel);

/* Lanes of a vector. */
SHEAF_API uint32_t sheaf_vlen(const struct sheaf_kernel *kernel);

/* Names the operations from here on; errors say where they are. */
SHEAF_API void sheaf_stage(struct sheaf_kernel *kernel, const char *name);

/* --- registers ------------------------------------------------------------------ */

/* A number, and the same in every lane. They cost nothing in a loop: they are made once,
 * before everything else. */
SHEAF_API struct sheaf_reg sheaf_const(struct sheaf_kernel *kernel, uint32_t value);
SHEAF_API struct sheaf_reg sheaf_vconst(struct sheaf_kernel *kernel, uint32_t value);

/* A register of its own that starts as a copy of `value`. The name, which may be NULL,
 * appears in the program where the register lives in several parts of the kernel. */
SHEAF_API struct sheaf_reg sheaf_var(struct sheaf_kernel *kernel, const char *name, struct sheaf_reg value);

/* Assigns: dest has the value from here on. A vector takes a scalar in every lane. The
 * operation called last writes dest directly, so `set(x, add(x, y))` costs one slot. */
SHEAF_API void sheaf_set(struct sheaf_kernel *kernel, struct sheaf_reg dest, struct sheaf_reg value);

/* One lane of a vector, from 0, as a scalar that can be read and assigned. */
SHEAF_API struct sheaf_reg sheaf_lane(struct sheaf_kernel *kernel, struct sheaf_reg vector, uint32_t lane);

/* A vector with the scalar in every lane. Done before a loop it is done once. */
SHEAF_API struct sheaf_reg sheaf_broadcast(struct sheaf_kernel *kernel, struct sheaf_reg scalar);

/* --- arithmetic ----------------------------------------------------------------- */

/* Function, code, meaning: from the machine's operation table.
 * operators: written by make manual */
#define SHEAF_EACH_OPERATOR(X)                                                                      \
    X(sheaf_add, SHEAF_OP_ADD, "a + b", "sum modulo 2^32")                                          \
    X(sheaf_sub, SHEAF_OP_SUB, "a - b", "difference modulo 2^32")                                   \
    X(sheaf_mul, SHEAF_OP_MUL, "a * b", "product modulo 2^32")                                      \
    X(sheaf_div, SHEAF_OP_DIV, "a // b", "unsigned quotient, rounded down")                         \
    X(sheaf_cdiv, SHEAF_OP_CDIV, "a cdiv b", "unsigned quotient, rounded up (computed in 64 bits)") \
    X(sheaf_xor, SHEAF_OP_XOR, "a ^ b", "bitwise exclusive or")                                     \
    X(sheaf_and, SHEAF_OP_AND, "a & b", "bitwise and")                                              \
    X(sheaf_or, SHEAF_OP_OR, "a | b", "bitwise or")                                                 \
    X(sheaf_shl, SHEAF_OP_SHL, "a << b", "shift left; 0 for shifts of 32 or more")                  \
    X(sheaf_shr, SHEAF_OP_SHR, "a >> b", "logical shift right; 0 for shifts of 32 or more")         \
    X(sheaf_mod, SHEAF_OP_MOD, "a % b", "unsigned remainder")                                       \
    X(sheaf_lt, SHEAF_OP_LT, "a < b", "1 if less (unsigned), else 0")                               \
    X(sheaf_eq, SHEAF_OP_EQ, "a == b", "1 if equal, else 0")
/* end of operators */

enum sheaf_operator {
#define SHEAF_CODE_(function, code, expression, meaning) code,
    SHEAF_EACH_OPERATOR(SHEAF_CODE_)
#undef SHEAF_CODE_
        SHEAF_OPERATORS
};

/* a op b, lane by lane. Words are unsigned; a zero divisor is a fault of the run. */
SHEAF_API struct sheaf_reg sheaf_binary(struct sheaf_kernel *kernel, enum sheaf_operator op,
                                        struct sheaf_reg a, struct sheaf_reg b);

/* struct sheaf_reg sheaf_add(kernel, a, b), and so on. */
#define SHEAF_FUNCTION_(function, code, expression, meaning)                                 \
    static inline struct sheaf_reg function(struct sheaf_kernel *kernel, struct sheaf_reg a, \
                                            struct sheaf_reg b)                              \
    {                                                                                        \
        return sheaf_binary(kernel, code, a, b);                                             \
    }
SHEAF_EACH_OPERATOR(SHEAF_FUNCTION_)
#undef SHEAF_FUNCTION_

/* a + words: an address further on. */
static inline struct sheaf_reg sheaf_offset(struct sheaf_kernel *kernel, struct sheaf_reg a, uint32_t words)
{
    return sheaf_add(kernel, a, sheaf_const(kernel, words));
}

/* a * b + c, as vectors. */
SHEAF_API struct sheaf_reg sheaf_multiply_add(struct sheaf_kernel *kernel, struct sheaf_reg a,
                                              struct sheaf_reg b, struct sheaf_reg c);

/* cond != 0 ? a : b, lane by lane. */
SHEAF_API struct sheaf_reg sheaf_select(struct sheaf_kernel *kernel, struct sheaf_reg cond,
                                        struct sheaf_reg a, struct sheaf_reg b);

/* --- memory --------------------------------------------------------------------- */

/* Words of memory: the promise that an access touches no others. Accesses whose ranges
 * do not meet may overtake each other; a broken promise makes a wrong program. */
struct sheaf_range {
    uint32_t first, words;
};

/* addr is a scalar with a word's address. A load sees every store called before. */
SHEAF_API struct sheaf_reg sheaf_load_in(struct sheaf_kernel *kernel, struct sheaf_reg addr,
                                         struct sheaf_range range);

/* A vector from consecutive words. */
SHEAF_API struct sheaf_reg sheaf_vload_in(struct sheaf_kernel *kernel, struct sheaf_reg addr,
                                          struct sheaf_range range);

/* A word for each lane, from that lane's address: a load slot each. */
SHEAF_API struct sheaf_reg sheaf_gather_in(struct sheaf_kernel *kernel, struct sheaf_reg addr,
                                           struct sheaf_range range);

/* The scalar, or the vector to consecutive words. */
SHEAF_API void sheaf_store_in(struct sheaf_kernel *kernel, struct sheaf_reg addr, struct sheaf_reg value,
                              struct sheaf_range range);

/* The same where nothing is promised: before and after every access that may meet them. */
static inline struct sheaf_range sheaf_anywhere(void)
{
    const struct sheaf_range range = {0, UINT32_MAX};
    return range;
}
static inline struct sheaf_reg sheaf_load(struct sheaf_kernel *kernel, struct sheaf_reg addr)
{
    return sheaf_load_in(kernel, addr, sheaf_anywhere());
}
static inline struct sheaf_reg sheaf_vload(struct sheaf_kernel *kernel, struct sheaf_reg addr)
{
    return sheaf_vload_in(kernel, addr, sheaf_anywhere());
}
static inline struct sheaf_reg sheaf_gather(struct sheaf_kernel *kernel, struct sheaf_reg addr)
{
    return sheaf_gather_in(kernel, addr, sheaf_anywhere());
}
static inline void sheaf_store(struct sheaf_kernel *kernel, struct sheaf_reg addr, struct sheaf_reg value)
{
    sheaf_store_in(kernel, addr, value, sheaf_anywhere());
}

/* --- control -------------------------------------------------------------------- */

/* What is opened is closed in reverse order. Conditions are scalars, true if not 0. A
 * register that was made in a part that was not executed has no particular value. */

/* Counts from `from` by `step` (not 0) while below `to`, as C's for does; the index is
 * returned, and not to be assigned. */
SHEAF_API struct sheaf_reg sheaf_for(struct sheaf_kernel *kernel, uint32_t from, uint32_t to, uint32_t step);

/* The same with bounds that are computed; their values at the start count. */
SHEAF_API struct sheaf_reg sheaf_for_regs(struct sheaf_kernel *kernel, struct sheaf_reg from,
                                          struct sheaf_reg to, uint32_t step);
SHEAF_API void sheaf_end_for(struct sheaf_kernel *kernel);

/* A body that is executed once, and again as long as `cond` holds at its end. */
SHEAF_API void sheaf_do(struct sheaf_kernel *kernel);
SHEAF_API void sheaf_while(struct sheaf_kernel *kernel, struct sheaf_reg cond);

/* A part that is executed if `cond` holds. sheaf_select is cheaper for a value or two. */
SHEAF_API void sheaf_if(struct sheaf_kernel *kernel, struct sheaf_reg cond);
SHEAF_API void sheaf_else(struct sheaf_kernel *kernel);
SHEAF_API void sheaf_end_if(struct sheaf_kernel *kernel);

/* --- building and running ------------------------------------------------------- */

/* Builds the kernel, to which nothing can be added from then on. *program belongs to it;
 * asking again returns the same. SHEAF_OK, or what went wrong first: SHEAF_INPUT for a
 * wrong call, SHEAF_LIMIT when the kernel needs more scratch than there is (`error` says
 * how many words in which cycle), SHEAF_NO_MEMORY. *program is NULL then. */
SHEAF_API enum sheaf_status sheaf_kernel_build(struct sheaf_kernel *kernel,
                                               const struct sheaf_program **program,
                                               struct sheaf_error *error);

/* What a run cost. */
struct sheaf_report {
    uint64_t cycles;
    uint64_t bound;                /* its blocks, executed as often, take no fewer cycles */
    uint64_t slots[SHEAF_ENGINES]; /* executed */
    double used[SHEAF_ENGINES];    /* of the slots there were: 0 to 1 */
};

/* Builds the kernel if need be, runs it on `words` words of memory, which then hold the
 * result, and reports (unless `report` is NULL). Also SHEAF_INPUT when the run ends in a
 * fault, as a load beyond memory is: then memory is unchanged. */
SHEAF_API enum sheaf_status sheaf_kernel_run(struct sheaf_kernel *kernel, uint32_t *memory, size_t words,
                                             struct sheaf_report *report, struct sheaf_error *error);

/* Writes the report for people, lines each ended, into `size` bytes; returns the length
 * that was needed, like snprintf. */
SHEAF_API size_t sheaf_report_text(const struct sheaf_report *report, char *text, size_t size);

/* --- any program made faster ---------------------------------------------------- */

/* Start from sheaf_optimize_default(), then change what you need. */
struct sheaf_optimize_options {
    size_t size;          /* of this struct as the caller knows it; leave it */
    uint64_t evaluations; /* schedules that a search tries, for programs without jumps; 0: no search */
    uint64_t seed;        /* of the search */
    unsigned threads;     /* for the search */
    bool pause;           /* pause slots pause; otherwise those between stores are left out */
    bool keep_scratch;    /* what the program writes to scratch counts when it ends */
    bool fold;            /* constants, copies and slots that nobody reads are removed */
    bool number;          /* and what computes, loads or stores a value again */
    bool assume;          /* an access touches only words, or arrays, that it touched on the inputs */
    uint32_t header;      /* memory words at the start that are the same in all runs */
    const struct sheaf_range *arrays; /* what memory is divided in; may be NULL */
    size_t n_arrays;
};

/* What came of it. */
struct sheaf_optimize_report {
    uint32_t bundles_before, bundles_after; /* of those that cost a cycle */
    uint64_t cycles_before, cycles_after;   /* on all inputs together; 0 without inputs */
    uint32_t work, dep;                     /* lower bounds: engines, longest chain */
    uint32_t proved, assumed, unknown;      /* accesses by what is known of their addresses */
    uint32_t debug_slots;                   /* left out */
    char why[512];                          /* what kept the program from being shorter; "" for a gain */
};

SHEAF_API void sheaf_optimize_init(struct sheaf_optimize_options *options, size_t size);
static inline struct sheaf_optimize_options sheaf_optimize_default(void)
{
    struct sheaf_optimize_options options;
    sheaf_optimize_init(&options, sizeof options);
    return options;
}

/* A program that does the same in fewer cycles: lifted, scheduled anew, and proved equal to what was
 * lifted; then run beside the one given on `n` memories of `words` words each, one after the other in
 * `images`, where memory and trace buffers have to be the same. That holds for every run that ends
 * without a fault and keeps to what `options` (NULL: the default) let it assume. *out is the
 * caller's, NULL where nothing was gained. SHEAF_OK, gained or not; SHEAF_INPUT: the program cannot be
 * lifted, or faults on an input: `error` says which slot; SHEAF_LIMIT; SHEAF_NO_MEMORY. `report` may be NULL.
 */
SHEAF_API enum sheaf_status sheaf_optimize(const struct sheaf_program *program, const uint32_t *images,
                                           size_t words, uint32_t n,
                                           const struct sheaf_optimize_options *options,
                                           struct sheaf_program **out, struct sheaf_optimize_report *report,
                                           struct sheaf_error *error);

#ifdef __cplusplus
}
#endif

#endif
