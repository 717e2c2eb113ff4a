/* A program as straight C over the rows of a tile (sim/engine/batch_frame.h), compiled and
 * loaded: how fast the host would be at it if it were written for it. */
#ifndef SHEAF_TESTS_EMIT_H
#define SHEAF_TESTS_EMIT_H

#include "sim/engine/simulator.h"

enum { EMIT_SPARE = SIM_SPARE }; /* rows that it needs behind the scratch's */

struct emit_code {
    void *library;
    void (*run)(uint32_t *scratch, uint32_t *mem);
};

/* Without any check: the program must not fault on what it is run on. Compiles with
 * $CC -O3 -march=native, in a folder of its own that is removed again. Exits with a
 * message where that fails. */
struct emit_code emit_compile(const struct prog *p, const struct sim_config *config, size_t mem_words);
void emit_release(struct emit_code *code);

#endif
