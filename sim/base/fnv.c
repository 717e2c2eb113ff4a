#include "sim/base/fnv.h"

uint64_t fnv1a64_words(const uint32_t *words, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++)
        for (unsigned shift = 0; shift < 32; shift += 8)
            h = (h ^ ((words[i] >> shift) & 0xff)) * UINT64_C(0x100000001b3);
    return h;
}
