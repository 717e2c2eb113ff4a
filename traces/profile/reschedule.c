/* Requires: a machine that has, for every simulator, at least the slots that a bundle of the run used.
 * Guarantees: a schedule that keeps every edge of the graph and the machine's limits.
 *
 * Algorithm: cycle by cycle, each engine takes the most urgent of its slots that may be in this
 * cycle: those with the longest path behind them (Hu 1961, Graham 1969), then the earlier executed. An
 * edge may have length 0, so a cycle is gone over until nobody more can be placed. Slots that
 * are bound to share a cycle are tried before all others.
 * Weakness: greedy; the order of words used again is that of the run, urgent or not. A run that was
 * scheduled well can come out longer. */
#include "traces/profile/reschedule.h"

#include <assert.h>

/* A slot by urgency: the smallest key is the most urgent one. */
struct heap {
    VEC(uint64_t) keys;
};

struct lister {
    const struct history *h;
    const struct isa_machine *machine;
    const struct constraints *p;
    uint32_t *at, *tail, *pending, *earliest; /* by slot; the latter three of leaders */
    struct heap (*ready)[ENGINE_DEBUG];       /* of each core */
    struct heap groups;                       /* leaders of more than one slot */
    VEC(uint32_t) soon;                       /* leaders that may be in the next cycle */
    uint32_t (*capacity)[ENGINE_DEBUG];       /* of each core, in this cycle */
    uint32_t cycle, placed;                   /* placed: leaders */
    bool no_memory;
};

/* --- heaps --------------------------------------------------------------------------- */

static bool heap_push(struct heap *p, uint64_t key)
{
    if (!vec_push(&p->keys, key))
        return false;
    uint64_t *k = p->keys.at;
    size_t i = p->keys.n - 1;
    for (; i > 0 && k[(i - 1) / 2] > key; i = (i - 1) / 2)
        k[i] = k[(i - 1) / 2];
    k[i] = key;
    return true;
}

static void heap_pop(struct heap *p)
{
    uint64_t *k = p->keys.at;
    const size_t n = --p->keys.n;
    const uint64_t key = k[n];
    size_t i = 0;
    for (size_t child = 1; child < n; child = 2 * i + 1) {
        child += child + 1 < n && k[child + 1] < k[child];
        if (k[child] >= key)
            break;
        k[i] = k[child];
        i = child;
    }
    k[i] = key;
}

static uint32_t slot_of(uint64_t key)
{
    return (uint32_t)key;
}

/* --- placing ------------------------------------------------------------------------- */

/* The leader may be in this cycle. */
static void make_ready(struct lister *l, uint32_t x)
{
    struct heap *heap = l->p->bound[x] == CONSTRAINTS_END
                            ? &l->ready[hist_core(l->h, x)][l->h->slots.at[x].engine]
                            : &l->groups;
    const uint64_t key = (uint64_t)(UINT32_MAX - l->tail[x]) << 32 | x;
    l->no_memory = !heap_push(heap, key) || l->no_memory;
}

static void place(struct lister *l, uint32_t leader)
{
    const struct constraints *p = l->p;
    for (uint32_t x = leader; x != CONSTRAINTS_END; x = p->bound[x]) {
        l->at[x] = l->cycle;
        l->capacity[hist_core(l->h, x)][l->h->slots.at[x].engine]--;
    }
    l->placed++;
    for (uint32_t i = p->first[leader]; i < p->first[leader + 1]; i++) {
        const uint32_t to = p->next[i].to, at = l->cycle + p->next[i].delay;
        if (l->earliest[to] < at)
            l->earliest[to] = at;
        if (--l->pending[to])
            continue;
        if (l->earliest[to] <= l->cycle)
            make_ready(l, to);
        else
            l->no_memory = !vec_push(&l->soon, to) || l->no_memory;
    }
}

static bool fits(const struct lister *l, uint32_t leader)
{
    uint32_t needed[ENGINE_DEBUG] = {0};
    for (uint32_t x = leader; x != CONSTRAINTS_END; x = l->p->bound[x]) {
        const unsigned e = l->h->slots.at[x].engine;
        if (++needed[e] > l->capacity[hist_core(l->h, x)][e])
            return false;
    }
    return true;
}

static void place_first(struct lister *l, struct heap *ready)
{
    const uint32_t x = slot_of(ready->keys.at[0]);
    heap_pop(ready);
    place(l, x);
}

/* One pass over the engines; whether anyone was placed. */
static bool place_ready(struct lister *l)
{
    const uint32_t before = l->placed;
    while (l->groups.keys.n && fits(l, slot_of(l->groups.keys.at[0])) && !l->no_memory)
        place_first(l, &l->groups);
    for (unsigned core = 0; core < l->h->machine.cores; core++)
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            while (l->ready[core][e].keys.n && l->capacity[core][e] && !l->no_memory)
                place_first(l, &l->ready[core][e]);
    return l->placed > before;
}

static void run_cycle(struct lister *l)
{
    for (unsigned core = 0; core < l->h->machine.cores; core++)
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            l->capacity[core][e] = l->machine->slots[e];
    while (place_ready(l))
        continue;
}

/* --- the run ------------------------------------------------------------------------- */

static void find_tails(struct lister *l)
{
    const struct constraints *p = l->p;
    for (uint32_t k = p->leaders; k-- > 0;) {
        const uint32_t x = p->order[k];
        for (uint32_t i = p->first[x]; i < p->first[x + 1]; i++) {
            const uint32_t at = l->tail[p->next[i].to] + p->next[i].delay;
            if (l->tail[x] < at)
                l->tail[x] = at;
        }
    }
}

static void start(struct lister *l)
{
    const struct constraints *p = l->p;
    for (uint32_t i = 0; i < p->first[p->n]; i++)
        l->pending[p->next[i].to]++;
    for (uint32_t k = 0; k < p->leaders; k++)
        if (!l->pending[p->order[k]])
            make_ready(l, p->order[k]);
}

static void schedule(struct lister *l)
{
    find_tails(l);
    start(l);
    while (l->placed < l->p->leaders && !l->no_memory) {
        const uint32_t before = l->placed;
        run_cycle(l);
        assert(l->placed > before || l->no_memory);
        l->cycle++;
        for (size_t i = 0; i < l->soon.n; i++)
            make_ready(l, l->soon.at[i]);
        l->soon.n = 0;
    }
}

uint32_t reschedule(const struct history *h, const struct isa_machine *machine, const struct constraints *p,
                    uint32_t *at, struct arena *arena)
{
    const unsigned cores = h->machine.cores;
    struct lister l = {.h = h, .machine = machine, .p = p, .at = at};
    l.tail = arena_array(arena, p->n + 1u, sizeof *l.tail);
    l.pending = arena_array(arena, p->n + 1u, sizeof *l.pending);
    l.earliest = arena_array(arena, p->n + 1u, sizeof *l.earliest);
    l.ready = arena_array(arena, cores, sizeof *l.ready);
    l.capacity = arena_array(arena, cores, sizeof *l.capacity);
    l.no_memory = !l.tail || !l.pending || !l.earliest || !l.ready || !l.capacity;
    if (!l.no_memory)
        schedule(&l);
    for (unsigned core = 0; l.ready && core < cores; core++)
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            vec_free(&l.ready[core][e].keys);
    vec_free(&l.groups.keys);
    vec_free(&l.soon);
    return l.no_memory ? UINT32_MAX : l.cycle;
}

enum status limits_reschedule(const struct history *h, const struct isa_machine *machine,
                              enum limits_freedom free, uint32_t *cycles, struct diag *d)
{
    struct arena arena = {0};
    struct constraints p;
    if (isa_machine_waits(&h->machine))
        return diag_set(d, ST_INPUT, "list schedules are not yet for machines with latencies above 1");
    uint32_t *at = arena_array(&arena, hist_n(h) + 1u, sizeof *at);
    *cycles =
        at && constraints_create(&p, h, free, &arena) ? reschedule(h, machine, &p, at, &arena) : UINT32_MAX;
    arena_free(&arena);
    return *cycles < UINT32_MAX ? ST_OK
                                : diag_set(d, ST_NOMEM, "out of memory for scheduling recorded slots");
}
