/* A program for benchmarks: a loop whose bundles fill the machine, 12 alu, 6 valu, 2 load,
 * 1 or 2 store and 1 flow slots less a few left out, about 20 in all. Operations and
 * addresses are random, so bundles read what they overwrite. */
#ifndef SHEAF_TESTS_DENSE_H
#define SHEAF_TESTS_DENSE_H

#include "sim/program/program.h"

enum { DENSE_WORDS = 4096 };

/* `times` times around a body of so many bundles. Exits when out of memory. */
struct prog *dense_program(uint32_t bundles, uint32_t times);

/* Fills DENSE_WORDS words for it. */
void dense_memory(uint64_t seed, uint32_t *mem);

#endif
