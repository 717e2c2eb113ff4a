#include "sim/late.h"

enum { LISTS = ISA_MAX_LATENCY + 1, EVERY_CORE = UINT32_MAX };

bool late_add(struct late *l, uint64_t cycle, struct late_write write)
{
    if (!vec_push(&l->due[cycle % LISTS], write))
        return false;
    l->waiting++;
    return true;
}

void late_land(struct late *l, struct sim *s, uint64_t cycle, uint32_t core)
{
    size_t left = 0;
    const unsigned list = (unsigned)(cycle % LISTS);
    for (size_t i = 0; i < l->due[list].n; i++) {
        const struct late_write w = l->due[list].at[i];
        if (core != (uint32_t)EVERY_CORE && core != w.core) {
            l->due[list].at[left++] = w;
            continue;
        }
        (w.in_memory ? s->mem : s->cores[w.core].scratch)[w.address] = w.value;
        l->waiting--;
    }
    l->due[list].n = left;
}

void late_finish(struct late *l, struct sim *s, uint32_t core)
{
    for (uint64_t after = 0; l->waiting && after < LISTS; after++)
        late_land(l, s, s->cycle + after, core);
}

void late_clear(struct late *l)
{
    for (unsigned i = 0; i < LISTS; i++)
        l->due[i].n = 0;
    l->waiting = 0;
}

void late_free(struct late *l)
{
    for (unsigned i = 0; i < LISTS; i++)
        vec_free(&l->due[i]);
}
