#include "sim/base/vec.h"

#include <stdint.h>
#include <stdlib.h>

bool vec_grow(void **at, size_t *capacity, size_t n, size_t extra, size_t size)
{
    if (extra > SIZE_MAX - n)
        return false;
    if (n + extra <= *capacity)
        return true;
    size_t want = *capacity ? *capacity + *capacity / 2 : 16;
    if (want < n + extra)
        want = n + extra;
    if (want > SIZE_MAX / size)
        return false;
    void *grown = realloc(*at, want * size);
    if (!grown)
        return false;
    *at = grown;
    *capacity = want;
    return true;
}

void vec_release(void **at, size_t *n, size_t *capacity)
{
    free(*at);
    *at = NULL;
    *n = *capacity = 0;
}
