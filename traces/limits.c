/* Requires: a recorded run; a machine that has every engine the slots use.
 * Guarantees: no schedule that keeps the edges it counts, on that machine, is shorter than a bound.
 *
 * Algorithm: heads and tails of a slot are the longest paths of values and jumps to and from it.
 *     engine  slots that cannot start before cycle h and are followed by at least t cycles have all
 *             but h + t cycles to themselves: the most over all h and t, counted once in a
 *             table of heads by tails and summed from its far corner. Long runs are counted in steps of
 *             several cycles, which can only make the bound smaller
 *     dep     the longest path (Fernandez and Bussell 1973)
 *     words   the same along all edges; within a bundle those may run in circles (of length 0), so its
 *             slots are gone over until nothing changes
 * Weakness: the bounds are not combined, and what comes before a jump is not held there. */
#include "traces/limits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "traces/queues.h"

enum { STEPS = 512 };

struct paths {
    uint32_t *head, *tail;         /* by slot, in cycles */
    uint32_t head_step, tail_step; /* of the table */
    uint32_t (*table)[STEPS];      /* slots by head and tail */
};

/* --- paths ------------------------------------------------------------------------ */

static bool carries(const struct hist_edge *e)
{
    return e->kind == HIST_VALUE || e->kind == HIST_MEM_VALUE || e->kind == HIST_JUMP;
}

static void find_paths(const struct history *h, struct paths *p)
{
    for (uint32_t x = 0; x < hist_n(h); x++)
        for (uint32_t i = h->slots.at[x].first_edge; i < h->slots.at[x + 1].first_edge; i++) {
            const struct hist_edge *e = &h->edges.at[i];
            const uint32_t at = p->head[e->from] + hist_delay(h, x, e);
            if (carries(e) && p->head[x] < at)
                p->head[x] = at;
        }
    for (uint32_t x = hist_n(h); x-- > 0;)
        for (uint32_t i = h->slots.at[x].first_edge; i < h->slots.at[x + 1].first_edge; i++) {
            const struct hist_edge *e = &h->edges.at[i];
            const uint32_t at = p->tail[x] + hist_delay(h, x, e);
            if (carries(e) && p->tail[e->from] < at)
                p->tail[e->from] = at;
        }
}

static uint32_t most(const uint32_t *of, uint32_t n)
{
    uint32_t x = 0;
    for (uint32_t i = 0; i < n; i++)
        if (x < of[i])
            x = of[i];
    return x;
}

/* From the slot with the longest head back to its start, along values where there are any. */
static bool find_chain(const struct history *h, const uint32_t *head, struct limits *out)
{
    uint32_t x = 0;
    while (head[x] + 1 < out->dep)
        x++;
    bool good = vec_push(&out->chain, x);
    while (good && head[x] > 0) {
        const struct hist_edge *best = NULL;
        for (uint32_t i = h->slots.at[x].first_edge; i < h->slots.at[x + 1].first_edge; i++) {
            const struct hist_edge *e = &h->edges.at[i];
            if (carries(e) && head[e->from] + hist_delay(h, x, e) == head[x] &&
                (!best || e->kind < best->kind))
                best = e;
        }
        assert(best);
        x = best->from;
        good = vec_push(&out->chain, x);
    }
    for (size_t i = 0, j = out->chain.n; i + 1 < j; i++) {
        const uint32_t other = out->chain.at[--j];
        out->chain.at[j] = out->chain.at[i];
        out->chain.at[i] = other;
    }
    return good;
}

/* One pass over a bundle's slots; whether another one may find more. */
static bool lengthen(const struct history *h, uint32_t first, uint32_t end, uint32_t *head)
{
    bool backward = false, changed = false;
    for (uint32_t x = first; x < end; x++)
        for (uint32_t i = h->slots.at[x].first_edge; i < h->slots.at[x + 1].first_edge; i++) {
            const struct hist_edge *e = &h->edges.at[i];
            const uint32_t at = head[e->from] + hist_delay(h, x, e);
            backward = backward || e->from > x;
            if (head[x] < at) {
                head[x] = at;
                changed = true;
            }
        }
    return backward && changed;
}

/* Takes heads of values and jumps, which are a start. */
static uint32_t find_words(const struct history *h, uint32_t *head)
{
    for (size_t b = 0; b < h->bundles.n; b++) {
        const uint32_t first = h->bundles.at[b].first_slot;
        const uint32_t end = b + 1 < h->bundles.n ? h->bundles.at[b + 1].first_slot : hist_n(h);
        while (lengthen(h, first, end, head))
            continue;
    }
    return most(head, hist_n(h)) + 1;
}

/* --- work ------------------------------------------------------------------------- */

/* The bound of the slots of a queue, `slots` a cycle, if it is more than out->engine[engine]. */
static void find_work(const struct queues *q, uint32_t first, struct paths *p, unsigned engine,
                      uint32_t slots, struct limits *out)
{
    uint32_t heads = 0, tails = 0;
    memset(p->table, 0, STEPS * sizeof *p->table);
    for (uint32_t x = first; x != QUEUE_END; x = q->next[x]) {
        const uint32_t head = p->head[x] / p->head_step, tail = p->tail[x] / p->tail_step;
        p->table[head][tail]++;
        heads = head > heads ? head : heads;
        tails = tail > tails ? tail : tails;
    }
    for (uint32_t i = heads + 1; i-- > 0;) {
        uint32_t row = 0;
        for (uint32_t j = tails + 1; j-- > 0;) {
            row += p->table[i][j];
            p->table[i][j] = row + (i < heads ? p->table[i + 1][j] : 0);
            const uint32_t head = i * p->head_step, tail = j * p->tail_step, n = p->table[i][j];
            const uint32_t bound = n ? head + tail + (n - 1) / slots + 1 : 0;
            if (bound < out->engine[engine] || !bound)
                continue;
            out->engine[engine] = bound;
            out->head[engine] = head;
            out->tail[engine] = tail;
        }
    }
}

static bool find_engines(const struct history *h, const struct isa_machine *machine, struct paths *p,
                         struct limits *out)
{
    struct queues q;
    const bool good = queues_create(&q, h);
    p->head_step = most(p->head, hist_n(h)) / STEPS + 1;
    p->tail_step = most(p->tail, hist_n(h)) / STEPS + 1;
    for (unsigned core = 0; good && core < h->machine.cores; core++)
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            if (q.first[core][e] != QUEUE_END) {
                assert(machine->slots[e]);
                find_work(&q, q.first[core][e], p, e, machine->slots[e], out);
            }
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        if (out->engine[e] > out->work) {
            out->binding = (enum isa_engine)e;
            out->work = out->engine[e];
        }
    queues_free(&q);
    return good;
}

/* --- all of them ------------------------------------------------------------------ */

enum status limits_find(const struct history *h, const struct isa_machine *machine, struct limits *out,
                        struct diag *d)
{
    *out = (struct limits){.binding = ISA_ENGINES};
    const uint32_t n = hist_n(h);
    if (!n)
        return ST_OK;
    struct paths p = {.head = calloc(n, sizeof *p.head),
                      .tail = calloc(n, sizeof *p.tail),
                      .table = malloc(STEPS * sizeof *p.table)};
    bool good = p.head && p.tail && p.table;
    if (good) {
        find_paths(h, &p);
        out->dep = most(p.head, n) + 1;
        good = find_chain(h, p.head, out) && find_engines(h, machine, &p, out);
        out->words = find_words(h, p.head);
    }
    free(p.head);
    free(p.tail);
    free(p.table);
    return good ? ST_OK : diag_set(d, ST_NOMEM, "out of memory for finding bounds");
}

void limits_free(struct limits *l)
{
    vec_free(&l->chain);
}
