/* FNV-1a, 64 bit (Fowler, Noll, Vo), over words taken as four bytes each,
 * least significant first: the fingerprint recorded instances use. */
#ifndef SHEAF_BASE_FNV_H
#define SHEAF_BASE_FNV_H

#include <stddef.h>
#include <stdint.h>

uint64_t fnv1a64_words(const uint32_t *words, size_t n);

#endif
