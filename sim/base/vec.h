/* Growable arrays: struct { T *at; size_t n, capacity; }. Zero-initialise to start,
 * vec_free to end. Elements are moved when the array grows. */
#ifndef SHEAF_BASE_VEC_H
#define SHEAF_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>

#define VEC(T)              \
    struct {                \
        T *at;              \
        size_t n, capacity; \
    }

/* Makes room for `extra` more elements; false when out of memory, and then the
 * array is as before. */
#define vec_reserve(v, extra) vec_grow((void **)&(v)->at, &(v)->capacity, (v)->n, (extra), sizeof *(v)->at)

/* Appends one element (copied after room was made); false when out of memory. */
#define vec_push(v, ...) (vec_reserve((v), 1) && (((v)->at[(v)->n++] = (__VA_ARGS__)), true))

#define vec_free(v) vec_release((void **)&(v)->at, &(v)->n, &(v)->capacity)

bool vec_grow(void **at, size_t *capacity, size_t n, size_t extra, size_t size);
void vec_release(void **at, size_t *n, size_t *capacity);

#endif
