#include "sim/program/asm_table.h"

#include <stdlib.h>

/* uthash reports an allocation failure through this hook instead of exiting. */
#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) (failed = true, (void)(element))
#include <uthash.h>

struct asm_entry {
    UT_hash_handle hh;
    uint32_t value;
};

bool asm_table_add(struct asm_table *t, const char *key, size_t n, uint32_t value)
{
    bool failed = false;
    struct asm_entry *entry = arena_alloc(&t->arena, sizeof *entry);
    if (!entry)
        return false;
    entry->value = value;
    HASH_ADD_KEYPTR(hh, t->entries, key, n, entry);
    return !failed;
}

bool asm_table_find(const struct asm_table *t, const char *key, size_t n, uint32_t *value)
{
    struct asm_entry *entry = NULL;
    HASH_FIND(hh, t->entries, key, n, entry);
    if (entry)
        *value = entry->value;
    return entry != NULL;
}

void asm_table_free(struct asm_table *t)
{
    HASH_CLEAR(hh, t->entries);
    arena_free(&t->arena);
}
