/* Random programs on random machines, drawn from the operation table; addresses come from a tiny pool, so
 * that slots of a bundle read and overwrite each other's words, vectors overlap and destinations alias
 * sources. Shared by fuzzers. */
#ifndef SHEAF_TESTS_FUZZ_RANDOM_PROGRAM_H
#define SHEAF_TESTS_FUZZ_RANDOM_PROGRAM_H

#include "sim/base/random.h"
#include "sim/machine.h"

enum { MAX_MEM = 48, KEYS = 4 };

struct fuzz {
    struct rng r;
    uint64_t seed;
    struct sim_config config;
    struct prog *p;
    uint32_t mem[MAX_MEM], mem_words;
    struct sim_value values[KEYS];
    uint32_t bundles;
    /* Scratch words that hold addresses and such, not often written; the others
     * are drawn from `pool`. */
    uint32_t pool[6], tame;
    bool large; /* many full bundles over a wide scratch: what the fast simulator does in blocks */
    bool batch; /* for instances that run on and part here and there: one core, data from memory */
};

/* Below n, which is not 0. */
uint32_t below(struct fuzz *f, uint32_t n);
bool one_in(struct fuzz *f, uint32_t n);

/* 0, 1, all ones, any number. */
uint32_t interesting(struct fuzz *f);

/* A machine and a configuration, then a program for it; f->p is the caller's. */
void draw_machine(struct fuzz *f);
void draw_program(struct fuzz *f);

/* `n` memories that have much in common, one after the other: f->mem is changed, too. */
void draw_memories(struct fuzz *f, uint32_t *mems, uint32_t n);

#endif
