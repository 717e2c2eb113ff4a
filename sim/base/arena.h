/* An arena: many small allocations with one lifetime, freed whole. */
#ifndef SHEAF_BASE_ARENA_H
#define SHEAF_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

/* Zero-initialise to start. Copying an arena that holds memory is a bug. */
struct arena {
    struct arena_chunk *chunks; /* the newest first */
    size_t used, size;          /* of the newest chunk, in bytes */
};

/* `bytes` of zeroed memory, aligned for any type; NULL when out of memory.
 * It belongs to the arena. */
void *arena_alloc(struct arena *a, size_t bytes);

/* `count * size` zeroed bytes, NULL on overflow or when out of memory. */
void *arena_array(struct arena *a, size_t count, size_t size);

/* A NUL-terminated copy of `length` bytes of `text`; NULL when out of memory. */
char *arena_text(struct arena *a, const char *text, size_t length);

/* Frees everything; the arena can be used again. */
void arena_free(struct arena *a);

#endif
