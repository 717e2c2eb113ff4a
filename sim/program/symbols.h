/* Which name prints a scratch address. */
#ifndef SHEAF_PROGRAM_SYMBOLS_H
#define SHEAF_PROGRAM_SYMBOLS_H

#include "sim/program/program.h"

/* The program's own index where it is fresh, else one made in `*spare` (which the
 * caller zero-initialises and frees with symbols_free). Out of memory it is an
 * empty one, and every address prints as a number. */
const struct prog_symbols *symbols_of(const struct prog *p, struct prog_symbols *spare);
void symbols_free(struct prog_symbols *spare);

/* The name to print `address` by, or NULL: the name that covers it, begins nearest
 * to it, comes first in the source, and is the first of its spelling (so that
 * reading it back gives the same address). */
const struct prog_name *symbols_find(const struct prog *p, const struct prog_symbols *symbols,
                                     int64_t address);

/* By name: whether an earlier name begins at its address. The caller's to free; NULL
 * when out of memory. */
bool *symbols_repeated(const struct prog *p);

#endif
