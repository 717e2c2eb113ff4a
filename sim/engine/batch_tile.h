/* A tile's rows and the instances' own words: one is the other, turned. A row is a word
 * of all lanes (batch_frame.h); an instance's words are one after the other. */
#ifndef SHEAF_SIM_ENGINE_BATCH_TILE_H
#define SHEAF_SIM_ENGINE_BATCH_TILE_H

#include "sim/engine/batch_frame.h"

/* Lane t's words are from[t]'s; instances may repeat. */
void tile_in(uint32_t *rows, const uint32_t *const *from, size_t words);

/* The words of the lanes in the set go to to[t]; the other pointers are not used. */
void tile_out(uint32_t *rows, uint32_t *const *to, uint64_t set, size_t words);

/* The lanes in the set become copies of lane `of`. */
void tile_copy_lane(uint32_t *rows, uint64_t set, unsigned of, size_t words);

#endif
