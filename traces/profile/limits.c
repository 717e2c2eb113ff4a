/* Requires: a recorded run; a machine that has every engine the slots use.
 * Guarantees: no schedule that keeps the edges it counts, on that machine, is shorter than a bound.
 *
 * Algorithm: paths are those of values and jumps, and have a length in cycles.
 *     engine  slots that cannot start before cycle h and are followed by at least t cycles have all
 *             but h + t cycles to themselves: the most over all h and t, counted once in a
 *             table of heads by tails and summed from its far corner. Long runs are counted in steps of
 *             several cycles, which can only make the bound smaller
 *     dep     the longest path (Fernandez and Bussell 1973), where all that a core has executed leads, in 0
 *             cycles, to its next jump, halt or pause: that is not written down, of all so far the longest
 *             path counts
 *     words   the same along all edges; within a bundle those may run in circles (of length 0), so its
 *             slots are gone over until nothing changes
 * Weakness: the bounds are not combined; engines do not know what is held before a jump. That a slow slot
 * may not commit before a later one has read what it overwrites is left out of `words`. */
#include "traces/profile/limits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "traces/record/history.h"

enum { STEPS = 512 };

struct paths {
    const struct history *h;
    bool unrolled;
    uint32_t *head, *tail;         /* by slot, in cycles */
    uint32_t head_step, tail_step; /* of the table */
    uint32_t (*table)[STEPS];      /* slots by head and tail */
};

/* --- paths ------------------------------------------------------------------------ */

static bool carries(const struct paths *p, const struct hist_edge *e)
{
    return e->kind == HIST_VALUE || e->kind == HIST_MEM_VALUE || (e->kind == HIST_JUMP && !p->unrolled);
}

static uint32_t bundle_end(const struct history *h, size_t b)
{
    return b + 1 < h->bundles.n ? h->bundles.at[b + 1].first_slot : hist_n(h);
}

/* Heads and tails along values and jumps. */
static void find_paths(struct paths *p)
{
    const struct history *h = p->h;
    for (uint32_t x = 0; x < hist_n(h); x++)
        for (uint32_t i = h->slots.at[x].first_edge; i < h->slots.at[x + 1].first_edge; i++) {
            const struct hist_edge *e = &h->edges.at[i];
            const int64_t at = (int64_t)p->head[e->from] + e->delay;
            if (carries(p, e) && at > p->head[x])
                p->head[x] = (uint32_t)at;
        }
    for (uint32_t x = hist_n(h); x-- > 0;)
        for (uint32_t i = h->slots.at[x].first_edge; i < h->slots.at[x + 1].first_edge; i++) {
            const struct hist_edge *e = &h->edges.at[i];
            const int64_t at = (int64_t)p->tail[x] + e->delay;
            if (carries(p, e) && at > p->tail[e->from])
                p->tail[e->from] = (uint32_t)at;
        }
}

/* One pass over a bundle's slots; `most` is the longest head of the core so far, which its jumps
 * do not come before. Whether another pass may find more. */
static bool lengthen(struct paths *p, size_t b, bool all, uint32_t *most)
{
    const struct history *h = p->h;
    const uint32_t first = h->bundles.at[b].first_slot, end = bundle_end(h, b);
    bool inner = false, changed = false;
    for (uint32_t x = first; x < end; x++) {
        uint32_t head = p->head[x];
        for (uint32_t i = h->slots.at[x].first_edge; i < h->slots.at[x + 1].first_edge; i++) {
            const struct hist_edge *e = &h->edges.at[i];
            if (!carries(p, e) && (!all || e->kind == HIST_JUMP || e->from >= end))
                continue;
            const int64_t at = (int64_t)p->head[e->from] + e->delay;
            inner = inner || e->from >= first;
            head = at > head ? (uint32_t)at : head;
        }
        changed = changed || p->head[x] < head;
        p->head[x] = head;
        if (*most < head && (p->unrolled || !hist_decides(h, x)))
            *most = head;
    }
    for (uint32_t x = first; x < end; x++) {
        if (p->unrolled || !hist_decides(h, x))
            continue;
        changed = changed || p->head[x] < *most;
        *most = *most < p->head[x] ? p->head[x] : *most;
        p->head[x] = *most;
    }
    return inner && changed;
}

/* Heads that go on from those found so far, with what is before a jump; along `all` edges, or values
 * and jumps. The longest. */
static uint32_t find_heads(struct paths *p, bool all)
{
    uint32_t most[ISA_MAX_CORES] = {0}, longest = 0;
    for (size_t b = 0; b < p->h->bundles.n; b++) {
        uint32_t *of_core = &most[p->h->bundles.at[b].core];
        while (lengthen(p, b, all, of_core))
            continue;
        longest = longest < *of_core ? *of_core : longest;
    }
    return longest;
}

static uint32_t find_most(const uint32_t *of, uint32_t n)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < n; i++)
        most = most < of[i] ? of[i] : most;
    return most;
}

/* The edge that gives x its head, of a value where there is one; NULL: it is a jump, and what came before
 * gives it its head. */
static const struct hist_edge *longest_edge(const struct paths *p, uint32_t x)
{
    const struct history *h = p->h;
    const struct hist_edge *best = NULL;
    for (uint32_t i = h->slots.at[x].first_edge; i < h->slots.at[x + 1].first_edge; i++) {
        const struct hist_edge *e = &h->edges.at[i];
        if (carries(p, e) && (int64_t)p->head[e->from] + e->delay == p->head[x] &&
            (!best || e->kind < best->kind))
            best = e;
    }
    return best;
}

/* The last slot that the jump does not come before and that has its head. */
static uint32_t before_jump(const struct paths *p, uint32_t jump)
{
    uint32_t x = bundle_end(p->h, p->h->slots.at[jump].bundle);
    do
        x--;
    while (hist_core(p->h, x) != hist_core(p->h, jump) || p->head[x] < p->head[jump] ||
           (x >= jump && hist_decides(p->h, x)));
    return x;
}

/* From the slot with the longest head back to its start. */
static bool find_chain(const struct paths *p, struct limits *out)
{
    uint32_t x = 0;
    while (p->head[x] + 1 < out->dep)
        x++;
    bool good = vec_push(&out->chain, x);
    while (good && p->head[x] > 0) {
        const struct hist_edge *e = longest_edge(p, x);
        x = e ? e->from : before_jump(p, x);
        good = vec_push(&out->chain, x);
    }
    for (size_t i = 0, j = out->chain.n; i + 1 < j; i++) {
        const uint32_t other = out->chain.at[--j];
        out->chain.at[j] = out->chain.at[i];
        out->chain.at[i] = other;
    }
    return good;
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

static bool find_engines(const struct isa_machine *machine, struct paths *p, struct limits *out)
{
    struct queues q;
    const bool good = queues_create(&q, p->h);
    p->head_step = find_most(p->head, hist_n(p->h)) / STEPS + 1;
    p->tail_step = find_most(p->tail, hist_n(p->h)) / STEPS + 1;
    for (unsigned core = 0; good && core < p->h->machine.cores; core++)
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

static enum status find(const struct history *h, const struct isa_machine *machine, bool unrolled,
                        struct limits *out, struct diag *d)
{
    *out = (struct limits){.binding = ISA_ENGINES};
    const uint32_t n = hist_n(h);
    if (!n)
        return ST_OK;
    struct paths p = {.h = h,
                      .unrolled = unrolled,
                      .head = calloc(n, sizeof *p.head),
                      .tail = calloc(n, sizeof *p.tail),
                      .table = malloc(STEPS * sizeof *p.table)};
    bool good = p.head && p.tail && p.table;
    if (good) {
        find_paths(&p);
        good = find_engines(machine, &p, out);
        out->dep = find_heads(&p, false) + 1;
        good = good && find_chain(&p, out);
        out->words = find_heads(&p, true) + 1;
    }
    free(p.head);
    free(p.tail);
    free(p.table);
    return good ? ST_OK : diag_set(d, ST_NOMEM, "out of memory for finding bounds");
}

enum status limits_find(const struct history *h, const struct isa_machine *machine, struct limits *out,
                        struct diag *d)
{
    return find(h, machine, false, out, d);
}

enum status limits_unrolled(const struct history *h, const struct isa_machine *machine, struct limits *out,
                            struct diag *d)
{
    return find(h, machine, true, out, d);
}

void limits_free(struct limits *l)
{
    vec_free(&l->chain);
}
