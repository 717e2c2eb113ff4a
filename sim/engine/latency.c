#include "sim/engine/latency.h"

#include <string.h>

#define EVERY_CORE UINT32_MAX
enum { LISTS = ISA_MAX_LATENCY + 1 };

bool latency_reserve(struct late *l, uint64_t cycle, size_t more)
{
    return vec_reserve(&l->due[cycle % LISTS], more);
}

void latency_add(struct late *l, uint64_t cycle, struct sim_commit write)
{
    write.number = l->issued++;
    l->due[cycle % LISTS].at[l->due[cycle % LISTS].n++] = write;
    l->waiting++;
}

void latency_commit(struct late *l, struct sim *s, uint64_t cycle, uint32_t core)
{
    size_t left = 0;
    const unsigned list = (unsigned)(cycle % LISTS);
    for (size_t i = 0; i < l->due[list].n; i++) {
        const struct sim_commit w = l->due[list].at[i];
        if (core != EVERY_CORE && core != w.core) {
            l->due[list].at[left++] = w;
            continue;
        }
        if (s->sink && s->sink->commit)
            s->sink->commit(s->sink->user, &w);
        (w.in_memory ? s->mem : s->cores[w.core].scratch)[w.address] = w.value;
        l->waiting--;
    }
    l->due[list].n = left;
}

void latency_finish(struct late *l, struct sim *s, uint32_t core)
{
    for (uint64_t after = 0; l->waiting && after < LISTS; after++)
        latency_commit(l, s, s->cycle + after, core);
}

bool latency_copy(struct late *to, const struct late *from)
{
    for (unsigned i = 0; i < LISTS; i++)
        if (from->due[i].n > to->due[i].n && !vec_reserve(&to->due[i], from->due[i].n - to->due[i].n))
            return false;
    for (unsigned i = 0; i < LISTS; i++) {
        if (from->due[i].n)
            memcpy(to->due[i].at, from->due[i].at, from->due[i].n * sizeof *to->due[i].at);
        to->due[i].n = from->due[i].n;
    }
    to->waiting = from->waiting;
    to->issued = from->issued;
    return true;
}

void latency_clear(struct late *l)
{
    for (unsigned i = 0; i < LISTS; i++)
        l->due[i].n = 0;
    l->waiting = 0;
    l->issued = 0;
}

void latency_free(struct late *l)
{
    for (unsigned i = 0; i < LISTS; i++)
        vec_free(&l->due[i]);
}
