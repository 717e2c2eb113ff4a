#include "traces/profile/traffic.h"

#include <stdlib.h>

enum { COMES_IN = 1, GOES_OUT = 2 };

static uint64_t words_touched(const struct history *h)
{
    uint64_t end = 0;
    for (uint32_t s = 0; s < hist_n(h); s++) {
        const struct hist_slot *x = &h->slots.at[s];
        const uint64_t last = (uint64_t)x->address + x->words;
        end = last > end ? last : end;
    }
    return end;
}

enum status traffic_find(const struct history *h, struct traffic *out, struct diag *d)
{
    *out = (struct traffic){0, 0};
    unsigned char *seen = calloc(words_touched(h) + 1, 1);
    if (!seen)
        return diag_set(d, ST_NOMEM, "out of memory for words that are moved");
    for (uint32_t s = 0; s < hist_n(h); s++) {
        const struct hist_slot *x = &h->slots.at[s];
        const enum isa_op op = (enum isa_op)hist_isa(h, s)->op;
        const bool store = isa_is_store(op);
        if (!isa_is_access(op))
            continue;
        for (uint32_t i = 0; i < x->words; i++) {
            unsigned char *word = &seen[x->address + i];
            out->in += !store && !*word;
            out->out += store && !(*word & GOES_OUT);
            *word = (unsigned char)(*word | (store ? GOES_OUT : COMES_IN));
        }
    }
    free(seen);
    return ST_OK;
}
