/* Where control can get in a program. */
#ifndef SHEAF_PROGRAM_REACH_H
#define SHEAF_PROGRAM_REACH_H

#include "sim/program/program.h"

/* The bundle that a slot of bundle `at` may jump to, which need not exist; false if it
 * does not jump to a bundle known beforehand. */
bool reach_target(const struct isa_slot *s, uint32_t at, int64_t *target);

/* Sets reached[b] for every bundle b that a core may execute; a jump to a computed
 * place reaches all. False when out of memory. */
bool reach_find(const struct prog *p, bool *reached);

#endif
