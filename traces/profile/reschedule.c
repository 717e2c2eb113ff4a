/* Requires: a machine that has, for every engine, at least the slots that a bundle of the run used.
 * Guarantees: a schedule that keeps every edge of the graph and the machine's limits.
 *
 * Algorithm: cycle by cycle, each engine takes the most urgent of its slots that may be in this
 * cycle: those with the longest path behind them (Hu 1961, Graham 1969), then the earlier executed. An
 * edge may have length 0, so a cycle is gone over until nobody more can be placed. Slots that
 * are bound to share a cycle are tried before all others. The same slots once more in the order of the run,
 * each in the first cycle that has room for it (serial schedule generation, Kelley 1963), which is never
 * later than it was; the shorter of both counts.
 * Weakness: greedy; the order of words used again is that of the run, urgent or not. */
#include "traces/profile/reschedule.h"

#include <assert.h>
#include <string.h>

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

/* --- in the order of the run --------------------------------------------------------- */

/* Slots used by cycle, core and engine; and by the latter two the next cycle that may have room. */
struct serial {
    const struct lister *l;
    uint32_t cycles, units; /* units: engines of all cores */
    uint32_t *used, *next;
    uint32_t *earliest, *at, *order;
};

static uint32_t unit_of(const struct serial *s, uint32_t slot)
{
    return hist_core(s->l->h, slot) * ENGINE_DEBUG + s->l->h->slots.at[slot].engine;
}

static uint32_t next_room(struct serial *s, uint32_t unit, uint32_t cycle)
{
    uint32_t *next = s->next + (size_t)unit * (s->cycles + 1);
    while (next[cycle] != cycle)
        cycle = next[cycle] = next[next[cycle]];
    return cycle;
}

static bool has_room(const struct serial *s, uint32_t leader, uint32_t cycle)
{
    const struct constraints *p = s->l->p;
    uint32_t needed[ENGINE_DEBUG] = {0};
    for (uint32_t x = leader; x != CONSTRAINTS_END; x = p->bound[x]) {
        const unsigned e = s->l->h->slots.at[x].engine;
        if (++needed[e] + s->used[(size_t)cycle * s->units + unit_of(s, x)] > s->l->machine->slots[e])
            return false;
    }
    return true;
}

/* The leader's cycle; s->cycles where there is none, which a run's own slots do not come to. */
static uint32_t place_serially(struct serial *s, uint32_t leader)
{
    const struct constraints *p = s->l->p;
    uint32_t cycle = next_room(s, unit_of(s, leader), s->earliest[leader]);
    while (cycle < s->cycles && !has_room(s, leader, cycle))
        cycle = next_room(s, unit_of(s, leader), cycle + 1);
    if (cycle == s->cycles)
        return cycle;
    for (uint32_t x = leader; x != CONSTRAINTS_END; x = p->bound[x]) {
        const uint32_t unit = unit_of(s, x);
        s->at[x] = cycle;
        if (++s->used[(size_t)cycle * s->units + unit] == s->l->machine->slots[s->l->h->slots.at[x].engine])
            s->next[(size_t)unit * (s->cycles + 1) + cycle] = cycle + 1;
    }
    for (uint32_t i = p->first[leader]; i < p->first[leader + 1]; i++) {
        const uint32_t at = cycle + p->next[i].delay;
        if (s->earliest[p->next[i].to] < at)
            s->earliest[p->next[i].to] = at;
    }
    return cycle;
}

/* Leaders by the cycle they were in, those of one cycle in the order of the graph. False when out of memory.
 */
static bool sort_by_cycle(struct serial *s, struct arena *arena)
{
    const struct constraints *p = s->l->p;
    uint32_t *first = arena_array(arena, s->cycles + 2u, sizeof *first);
    s->order = arena_array(arena, p->leaders + 1u, sizeof *s->order);
    if (!first || !s->order)
        return false;
    for (uint32_t k = 0; k < p->leaders; k++)
        first[hist_cycle(s->l->h, p->order[k]) + 1]++;
    for (uint32_t c = 0; c < s->cycles; c++)
        first[c + 1] += first[c];
    for (uint32_t k = 0; k < p->leaders; k++)
        s->order[first[hist_cycle(s->l->h, p->order[k])]++] = p->order[k];
    return true;
}

/* How many cycles the slots take so, which are then in l->at, if fewer than `most`; UINT32_MAX when
 * out of memory. */
static uint32_t schedule_serially(const struct lister *l, uint32_t most, struct arena *arena)
{
    const struct constraints *p = l->p;
    struct serial s = {.l = l, .cycles = l->h->cycles + 1, .units = l->h->machine.cores * ENGINE_DEBUG};
    uint32_t length = 0;
    s.used = arena_array(arena, (size_t)s.cycles * s.units, sizeof *s.used);
    s.next = arena_array(arena, (size_t)s.units * (s.cycles + 1), sizeof *s.next);
    s.earliest = arena_array(arena, p->n + 1u, sizeof *s.earliest);
    s.at = arena_array(arena, p->n + 1u, sizeof *s.at);
    if (!s.used || !s.next || !s.earliest || !s.at || !sort_by_cycle(&s, arena))
        return UINT32_MAX;
    for (uint32_t u = 0; u < s.units; u++)
        for (uint32_t c = 0; c <= s.cycles; c++)
            s.next[(size_t)u * (s.cycles + 1) + c] = c;
    for (uint32_t k = 0; k < p->leaders; k++) {
        const uint32_t cycle = place_serially(&s, s.order[k]);
        length = cycle + 1 > length ? cycle + 1 : length;
    }
    if (length < most)
        memcpy(l->at, s.at, p->n * sizeof *s.at);
    return length;
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
    if (l.no_memory)
        return UINT32_MAX;
    const uint32_t serial = schedule_serially(&l, l.cycle, arena);
    return serial < l.cycle || serial == UINT32_MAX ? serial : l.cycle;
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

/* --- constraints ------------------------------------------------------------------------- */

/* Edges are collected in a list, slots of a bundle that wait for each other in circles of length
 * 0 are bound together, and the list is sorted by its leaders.
 *
 * Circles: edges within a cycle stay in a bundle (or lead to cores of higher numbers, and those never
 * lead back). Of a bundle's slots those are taken away, again and again, that nobody waits for or that
 * wait for nobody; who is left is on a circle, or between two, and all are bound together: they have
 * shared a cycle before. */

struct edge {
    uint32_t from;
    struct constraints_next next;
};

struct maker {
    const struct history *h;
    struct constraints *out;
    struct arena *arena;
    VEC(struct edge) edges;
    bool *left; /* by slot: not taken away from its bundle */
    enum limits_freedom free;
    bool no_memory;
};

static void add(struct maker *m, uint32_t from, uint32_t to, uint32_t delay)
{
    m->no_memory = !vec_push(&m->edges, (struct edge){from, {to, delay}}) || m->no_memory;
}

/* --- collecting -------------------------------------------------------------------- */

static void add_recorded(struct maker *m, uint32_t x)
{
    const struct history *h = m->h;
    for (uint32_t i = h->slots.at[x].first_edge; i < h->slots.at[x + 1].first_edge; i++) {
        const struct hist_edge *e = &h->edges.at[i];
        const bool word = e->kind == HIST_USED || e->kind == HIST_WRITTEN;
        if (word ? m->free < FREE_WORDS : e->kind != HIST_JUMP || m->free < FREE_JUMPS)
            add(m, e->from, x, (uint32_t)e->delay);
    }
}

/* The slots of the bundle's core since its last jump, this bundle's too, are not to come after
 * the bundle's jumps; those keep their order. `from`: the first slot of any core since then. False
 * if the bundle has no jump. */
static bool add_jumps(struct maker *m, uint32_t bundle, uint32_t from, uint32_t first, uint32_t end)
{
    uint32_t last = CONSTRAINTS_END;
    for (uint32_t jump = first; jump < end; jump++) {
        if (!hist_decides(m->h, jump))
            continue;
        for (uint32_t x = from; last == CONSTRAINTS_END && x < end; x++)
            if (hist_core(m->h, x) == m->h->bundles.at[bundle].core && !hist_decides(m->h, x))
                add(m, x, jump, 0);
        if (last != CONSTRAINTS_END)
            add(m, last, jump, 0);
        last = jump;
    }
    return last != CONSTRAINTS_END;
}

/* --- circles ----------------------------------------------------------------------- */

/* The bundle's edges within itself: a range of the list, the last of it. */
static bool is_inner(const struct edge *e, uint32_t first)
{
    return e->from >= first && e->next.delay == 0;
}

/* Takes away those that nobody left waits for, or that wait for nobody left; whether there were any. */
static bool peel(struct maker *m, size_t edges, uint32_t first, uint32_t end)
{
    enum { WAITS = 1, AWAITED = 2 };
    unsigned char role[ISA_MAX_SLOTS * ISA_ENGINES] = {0};
    bool changed = false;
    for (size_t i = edges; i < m->edges.n; i++) {
        const struct edge *e = &m->edges.at[i];
        if (is_inner(e, first) && m->left[e->from] && m->left[e->next.to]) {
            role[e->from - first] |= AWAITED;
            role[e->next.to - first] |= WAITS;
        }
    }
    for (uint32_t x = first; x < end; x++)
        if (m->left[x] && role[x - first] != (WAITS | AWAITED)) {
            m->left[x] = false;
            changed = true;
        }
    return changed;
}

/* `edges`: where those that lead to the bundle begin in the list. */
static void bind(struct maker *m, size_t edges, uint32_t first, uint32_t end)
{
    bool backward = false;
    for (size_t i = edges; i < m->edges.n; i++)
        backward =
            backward || (is_inner(&m->edges.at[i], first) && m->edges.at[i].from > m->edges.at[i].next.to);
    if (!backward)
        return;
    for (uint32_t x = first; x < end; x++)
        m->left[x] = true;
    while (peel(m, edges, first, end))
        continue;
    uint32_t last = CONSTRAINTS_END;
    for (uint32_t x = first; x < end; x++) {
        if (!m->left[x])
            continue;
        if (last != CONSTRAINTS_END) {
            m->out->leader[x] = m->out->leader[last];
            m->out->bound[last] = x;
        }
        last = x;
    }
}

static void collect(struct maker *m)
{
    const struct history *h = m->h;
    uint32_t since[ISA_MAX_CORES] = {0};
    for (uint32_t x = 0; x < m->out->n; x++) {
        m->out->leader[x] = x;
        m->out->bound[x] = CONSTRAINTS_END;
    }
    for (uint32_t b = 0; b < h->bundles.n && !m->no_memory; b++) {
        const uint32_t first = h->bundles.at[b].first_slot;
        const uint32_t end = b + 1 < h->bundles.n ? h->bundles.at[b + 1].first_slot : m->out->n;
        const size_t edges = m->edges.n;
        for (uint32_t x = first; x < end; x++)
            add_recorded(m, x);
        uint32_t *from = &since[h->bundles.at[b].core];
        if (m->free < FREE_JUMPS && add_jumps(m, b, *from, first, end))
            *from = end;
        if (!m->no_memory)
            bind(m, edges, first, end);
    }
}

/* --- sorting ------------------------------------------------------------------------ */

/* Counting sort by leader. Edges within a group of slots bound together go. */
static bool sort_edges(struct maker *m)
{
    struct constraints *p = m->out;
    size_t kept = 0;
    for (size_t i = 0; i < m->edges.n; i++) {
        struct edge e = m->edges.at[i];
        e.from = p->leader[e.from];
        e.next.to = p->leader[e.next.to];
        if (e.from != e.next.to)
            m->edges.at[kept++] = e;
    }
    m->edges.n = kept;
    p->next = arena_array(m->arena, kept + 1, sizeof *p->next);
    if (!p->next)
        return false;
    for (size_t i = 0; i < kept; i++)
        p->first[m->edges.at[i].from]++;
    for (uint32_t x = 0; x < p->n; x++)
        p->first[x + 1] += p->first[x];
    for (size_t i = kept; i-- > 0;)
        p->next[--p->first[m->edges.at[i].from]] = m->edges.at[i].next;
    return true;
}

/* Kahn 1962. */
static bool sort_leaders(struct maker *m)
{
    struct constraints *p = m->out;
    uint32_t *pending = arena_array(m->arena, p->n + 1u, sizeof *pending);
    if (!pending)
        return false;
    for (uint32_t i = 0; i < p->first[p->n]; i++)
        pending[p->next[i].to]++;
    uint32_t leaders = 0;
    for (uint32_t x = 0; x < p->n; x++)
        if (p->leader[x] == x) {
            leaders++;
            if (!pending[x])
                p->order[p->leaders++] = x;
        }
    for (uint32_t k = 0; k < p->leaders; k++)
        for (uint32_t i = p->first[p->order[k]]; i < p->first[p->order[k] + 1]; i++)
            if (!--pending[p->next[i].to])
                p->order[p->leaders++] = p->next[i].to;
    assert(p->leaders == leaders);
    return true;
}

bool constraints_create(struct constraints *p, const struct history *h, enum limits_freedom free,
                        struct arena *arena)
{
    *p = (struct constraints){.n = hist_n(h)};
    struct maker m = {.h = h, .out = p, .arena = arena, .free = free};
    m.left = arena_array(arena, p->n + 1u, sizeof *m.left);
    p->leader = arena_array(arena, p->n + 1u, sizeof *p->leader);
    p->bound = arena_array(arena, p->n + 1u, sizeof *p->bound);
    p->first = arena_array(arena, p->n + 2u, sizeof *p->first);
    p->order = arena_array(arena, p->n + 1u, sizeof *p->order);
    m.no_memory = !m.left || !p->leader || !p->bound || !p->first || !p->order;
    if (!m.no_memory)
        collect(&m);
    const bool good = !m.no_memory && sort_edges(&m) && sort_leaders(&m);
    vec_free(&m.edges);
    return good;
}
