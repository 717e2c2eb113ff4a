/* The kernels: what each computes (parameters, contracts), instances with their
 * expected results, and the variants that build programs for it.
 *
 *     kern_find ──> kern_set ──> kern_instance_create ──> image ──> machine ──┐
 *                      │                 └── expected ──> kern_first_wrong <─┘
 *                      └───────> kern_build ──> programs ──────> machine
 */
#ifndef SHEAF_KERNELS_KERNEL_H
#define SHEAF_KERNELS_KERNEL_H

#include "builder/passes/bound.h"
#include "sim/base/arena.h"
#include "sim/base/clock.h"
#include "sim/machine.h"

struct choices;
struct kern_dump;
struct tuning;

enum { KERN_MAX_PARAMS = 12, KERN_MAX_ARRAYS = 12, KERN_MAX_CONTRACTS = 4, KERN_MAX_FACTS = 32 };

/* A name for a value of a parameter. */
struct kern_choice {
    const char *name;
    int64_t value;
};

struct kern_param {
    const char *name, *doc;
    int64_t fallback, low, high;
    const struct kern_choice *choices; /* NULL, or all values it has, ended by a NULL name */
    bool data; /* it says what is generated; programs are the same for all its values. One called `shape` has
                * choices, the first of which is ordinary data */
};

/* The values, in the order of the kernel's parameters. */
struct kern_params {
    int64_t at[KERN_MAX_PARAMS];
};

/* What a program may assume and must deliver. */
struct kern_contract {
    const char *name, *doc;
};

/* A run of memory words with a name; `compared` of its words, from its first, are
 * held against the expected ones. An instance's arrays cover its memory. */
struct kern_array {
    const char *name;
    uint32_t first, words, compared;
};

/* An instance: memory before, and after as the reference leaves it. */
struct kern_instance {
    const struct kern *kernel;
    struct kern_params params;
    unsigned contract;
    uint64_t seed;
    uint32_t words, *image, *expected;
    struct kern_array arrays[KERN_MAX_ARRAYS];
    unsigned n_arrays;
};

/* One line of an instance's summary, under the key that recorded instances use. */
struct kern_fact {
    const char *key;
    enum { KERN_NUMBER, KERN_FNV, KERN_WORDS } kind;
    uint64_t number;       /* KERN_NUMBER, KERN_FNV */
    const uint32_t *words; /* KERN_WORDS, in the instance */
    size_t n;
};

struct kern_facts {
    struct kern_fact at[KERN_MAX_FACTS];
    unsigned n;
};

/* Expected values for debug compares; keys live in the arena. */
struct kern_values {
    VEC(struct sim_value) list;
    struct arena arena;
};

/* How hard to look for a good program, where a variant leaves that open. */
enum { KERN_QUICK, KERN_NORMAL, KERN_THOROUGH, KERN_EFFORTS };

/* What a variant is asked to build. */
struct kern_request {
    struct kern_params params;
    unsigned contract;
    struct isa_machine machine;
    unsigned effort;             /* KERN_QUICK ... */
    uint64_t seed;               /* of a search */
    unsigned threads;            /* that may search; 0 counts as 1 */
    bool no_record;              /* search even where a tuning record is at hand */
    const struct tuning *record; /* NULL, or replay this one */
    struct kern_dump *dump;      /* NULL, or what to append there of the builder's passes */
};

/* Programs to be run one after the other on the same memory, each from a machine
 * with scratch zero. */
struct kern_program {
    const char *name;
    struct prog *prog;
    struct bound bound; /* of straight-line code from the builder; cycles 0: not known */
};

struct kern_programs {
    VEC(struct kern_program) list;
};

struct kern_variant {
    const char *name, *doc;
    uint64_t cycles[KERN_MAX_CONTRACTS]; /* known for the standard instance, by contract; 0 unknown */
    /* One of these: the programs; or the code of one program for the builder's search
     * (see search_kernel), whose context is the request. */
    enum status (*build)(const struct kern_request *rq, struct kern_programs *out, struct diag *d);
    enum status (*make)(const void *request, struct choices *choices, struct ir **out, struct diag *d);
    bool plain; /* without a record it is scheduled once: a search is for those who ask for one */
};

/* A kernel. Contracts and variants are listed in order of strictness and quality:
 * the first contract that admits the parameters and the last variant are what a
 * user gets who names none. */
struct kern {
    const char *name, *doc;
    const struct kern_param *params;
    const struct kern_contract *contracts;
    const struct kern_variant *variants;
    unsigned n_params, n_contracts, n_variants;
    /* Cycles people measure themselves by: the standard instance, the first contract. May be none. */
    const uint32_t *thresholds;
    unsigned n_thresholds;

    /* NULL when the parameters are possible together under the contract, else why not. */
    const char *(*validate)(const struct kern_params *params, unsigned contract);
    /* Sets words and arrays, with compared 0. */
    void (*layout)(struct kern_instance *p);
    /* Fills the image (zero before) from the seed. */
    void (*draw)(struct kern_instance *p);
    /* The reference: turns a memory of the layout into the expected one. False when the deadline (NULL:
     * none) is over before; it is looked at every few milliseconds. */
    bool (*reference)(const struct kern_params *params, uint32_t *mem, const struct deadline *deadline);
    /* Sets how much of each array the contract compares. */
    void (*compare)(struct kern_instance *p);
    void (*facts)(const struct kern_instance *p, struct kern_facts *out);
    /* Words that any program must load, and store, for this instance; 0: not known. May be NULL. */
    void (*io_words)(const struct kern_instance *p, uint64_t *in, uint64_t *out);
    /* Values of the reference's variables by key; false when out of memory. NULL: its programs carry no
     * debug compares. */
    bool (*values)(const struct kern_instance *p, struct kern_values *out);
};

/* The kernels in their order: NULL beyond the last. */
const struct kern *kern_at(unsigned i);
const struct kern *kern_find(const char *name, size_t length);

/* NULL, or the variant / contract of that name; an index for contracts, which are
 * n_contracts when there is none. */
const struct kern_variant *kern_find_variant(const struct kern *k, const char *name);
unsigned kern_find_contract(const struct kern *k, const char *name);

/* The first contract that admits the parameters, or the first of all. */
unsigned kern_default_contract(const struct kern *k, const struct kern_params *params);

/* The parameter called `shape`; n_params when there is none. */
unsigned kern_shape(const struct kern *k);

/* How many values a parameter with choices has; 0 for others. */
unsigned kern_choices(const struct kern_param *p);

/* The name of a value of such a parameter; NULL where there is none. */
const char *kern_choice_name(const struct kern_param *p, int64_t value);

/* The standard instance's parameters. */
struct kern_params kern_defaults(const struct kern *k);

/* Applies "name=value,name=value". ST_INPUT for unknown names, values that are no
 * numbers or out of range. */
enum status kern_set(const struct kern *k, const char *text, struct kern_params *params, struct diag *d);

/* Appends "height=10, rounds=16, batch=256": parameters that have named values, and those of data that are
 * 0 by default, only when they are not the default. */
void kern_params_text(const struct kern *k, const struct kern_params *params, struct text *out);

/* The instance of a seed; ST_INPUT when the contract does not admit the parameters,
 * ST_NOMEM. To be freed with kern_instance_destroy (NULL is fine). */
enum status kern_instance_create(const struct kern *k, const struct kern_params *params, unsigned contract,
                                 uint64_t seed, struct kern_instance **out, struct diag *d);
/* The same, and ST_LIMIT when it was not done by the deadline. */
enum status kern_instance_create_by(const struct kern *k, const struct kern_params *params, unsigned contract,
                                    uint64_t seed, const struct deadline *deadline,
                                    struct kern_instance **out, struct diag *d);
void kern_instance_destroy(struct kern_instance *p);

/* The first word, by address, in which `mem` breaks the contract. */
struct kern_wrong {
    const char *array;
    uint32_t index, found, expected;
};
bool kern_first_wrong(const struct kern_instance *p, const uint32_t *mem, struct kern_wrong *out);

void kern_facts(const struct kern_instance *p, struct kern_facts *out);
enum status kern_values(const struct kern_instance *p, struct kern_values *out, struct diag *d);
void kern_values_free(struct kern_values *v);

/* Builds the variant; ST_INPUT, ST_LIMIT (it does not fit the machine), ST_NOMEM
 * with *out empty. */
enum status kern_build(const struct kern *k, const struct kern_variant *v, const struct kern_request *rq,
                       struct kern_programs *out, struct diag *d);
void kern_programs_free(struct kern_programs *s);

/* Appends a program, which is then owned by the programs; ir, as it was scheduled, gives
 * the bound (NULL: none). ST_NOMEM with the program destroyed. */
enum status kern_program_add(struct kern_programs *s, const char *name, struct prog *prog,
                             const struct ir *ir, struct diag *d);

#endif
