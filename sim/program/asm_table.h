/* Spellings and the numbers they stand for. */
#ifndef SHEAF_PROGRAM_ASM_TABLE_H
#define SHEAF_PROGRAM_ASM_TABLE_H

#include "sim/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct asm_entry;

/* Zero-initialise to start. */
struct asm_table {
    struct asm_entry *entries;
    struct arena arena;
};

/* Adds a spelling that the table does not have, of `n` bytes that outlive it; false
 * when out of memory. */
bool asm_table_add(struct asm_table *t, const char *key, size_t n, uint32_t value);
bool asm_table_find(const struct asm_table *t, const char *key, size_t n, uint32_t *value);
void asm_table_free(struct asm_table *t);

#endif
