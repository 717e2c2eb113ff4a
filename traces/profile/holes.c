/* Requires: a recorded run, whose slots are within the limits of its machine.
 * Guarantees: for every core, engine and cycle the causes add up to the slots left empty.
 *
 * Algorithm: other slots where they are, a slot could have been in any cycle before its own that is not
 * before `value`, `order` or `used` of hist_ready. So the cycles before its own fall into four ranges, one
 * for each cause; those of all slots of an engine are counted by differences. A hole takes the nearest
 * cause of which operations are left, each counted once a cycle. Ready-later holes are those of the first
 * slots, in the order of execution, whose `value` is still ahead: a list that slots only leave, so
 * walking it costs a step for each hole and each slot.
 *
 * Weakness: a slot is looked at alone; two that could move up into one hole one after the other
 * are two for as many holes, and what would be ready if its producer moved up is ready-later.
 * A window of cycles ends in drain, whatever comes after it. */
#include "traces/profile/holes.h"

#include <stdlib.h>
#include <string.h>

#include "traces/record/history.h"

struct wait {
    struct hist_ready ready;
    uint8_t producer; /* of what ready.value waits for */
};

/* Slots of an engine in a cycle, and those of later ones by what keeps them from it. Kept as
 * changes from the cycle before. */
struct tally {
    int32_t used, left[CAUSE_NONE];
};

struct finder {
    const struct history *h;
    struct holes *out;
    struct queues queues;
    struct wait *wait;     /* by slot */
    struct tally *changes; /* by cycle, and one behind the end */
};

static uint32_t later(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Who makes the last operand: the later slot of two in one cycle; a jump only if it is later still. */
static uint8_t find_producer(const struct history *h, uint32_t x)
{
    uint32_t jump = 0, value = 0, from = 0;
    for (uint32_t i = h->slots.at[x].first_edge; i < h->slots.at[x + 1].first_edge; i++) {
        const struct hist_edge *e = &h->edges.at[i];
        const uint32_t after = hist_after(h, e);
        if (e->kind == HIST_JUMP) {
            jump = after;
        } else if (e->kind == HIST_VALUE && (after > value || (after == value && e->from > from))) {
            value = after;
            from = e->from;
        }
    }
    return jump > value ? PRODUCER_JUMP : h->slots.at[from].engine;
}

/* --- one engine of one core ------------------------------------------------------- */

static void count_range(struct tally *changes, enum cause cause, uint32_t from, uint32_t to)
{
    if (from < to) {
        changes[from].left[cause]++;
        changes[to].left[cause]--;
    }
}

static void count_slot(struct finder *f, uint32_t x)
{
    const struct hist_ready *r = &f->wait[x].ready;
    const uint32_t cycle = hist_cycle(f->h, x), ordered = later(r->value, r->order);
    count_range(f->changes, CAUSE_READY_LATER, 0, r->value);
    count_range(f->changes, CAUSE_ORDER, r->value, r->order);
    count_range(f->changes, CAUSE_SCRATCH, ordered, r->used);
    count_range(f->changes, CAUSE_MISSED, later(ordered, r->used), cycle);
    f->changes[cycle].used++;
    f->changes[cycle + 1].used--;
}

static void add_holes(struct holes *out, unsigned engine, uint32_t cycle, enum cause cause, uint32_t n)
{
    out->cause[cycle][engine][cause] = (uint16_t)(out->cause[cycle][engine][cause] + n);
    out->engine[engine].cause[cause] += n;
}

/* Names the producers that the first `n` slots of the queue with an operand to come wait for. */
static void blame(const struct finder *f, uint32_t *first, uint32_t cycle, uint32_t n,
                  struct hole_count *count)
{
    for (uint32_t *at = first; n > 0;) {
        const struct wait *w = &f->wait[*at];
        if (w->ready.value <= cycle) {
            *at = f->queues.next[*at];
            continue;
        }
        count->producer[w->producer]++;
        at = &f->queues.next[*at];
        n--;
    }
}

static void explain_cycle(struct finder *f, unsigned engine, uint32_t cycle, const struct tally *now,
                          bool begun, uint32_t *first)
{
    struct hole_count *count = &f->out->engine[engine];
    uint32_t rest = f->h->machine.slots[engine] - (uint32_t)now->used;
    for (enum cause c = CAUSE_MISSED; c < CAUSE_NONE; c++) {
        const uint32_t left = c == CAUSE_READY_LATER && !begun ? 0 : (uint32_t)now->left[c];
        const uint32_t n = left < rest ? left : rest;
        add_holes(f->out, engine, cycle, c, n);
        rest -= n;
        if (c == CAUSE_READY_LATER)
            blame(f, first, cycle, n, count);
    }
    add_holes(f->out, engine, cycle, CAUSE_NONE, rest);
    count->fill += begun ? 0 : rest;
    f->out->used[cycle][engine] = (uint16_t)(f->out->used[cycle][engine] + now->used);
}

static void explain_engine(struct finder *f, unsigned core, unsigned engine)
{
    const uint32_t cycles = f->h->cycles;
    uint32_t first = f->queues.first[core][engine];
    if (first == QUEUE_END) {
        for (uint32_t cycle = 0; cycle < cycles; cycle++)
            add_holes(f->out, engine, cycle, CAUSE_NONE, f->h->machine.slots[engine]);
        return;
    }
    const uint32_t start = hist_cycle(f->h, first);
    struct tally now = {0};
    memset(f->changes, 0, (cycles + 1u) * sizeof *f->changes);
    for (uint32_t x = first; x != QUEUE_END; x = f->queues.next[x])
        count_slot(f, x);
    for (uint32_t cycle = 0; cycle < cycles; cycle++) {
        now.used += f->changes[cycle].used;
        for (unsigned c = 0; c < CAUSE_NONE; c++)
            now.left[c] += f->changes[cycle].left[c];
        explain_cycle(f, engine, cycle, &now, cycle >= start, &first);
    }
}

/* --- all of them ------------------------------------------------------------------ */

static bool create(struct finder *f)
{
    const size_t cycles = f->h->cycles + 1u;
    f->out->cycles = f->h->cycles;
    f->out->used = calloc(cycles, sizeof *f->out->used);
    f->out->cause = calloc(cycles, sizeof *f->out->cause);
    f->wait = malloc((hist_n(f->h) + 1u) * sizeof *f->wait);
    f->changes = malloc(cycles * sizeof *f->changes);
    const bool queued = queues_create(&f->queues, f->h);
    return f->out->used && f->out->cause && f->wait && f->changes && queued;
}

enum status holes_find(const struct history *h, struct holes *out, struct diag *d)
{
    *out = (struct holes){0};
    struct finder f = {.h = h, .out = out};
    const bool good = create(&f);
    if (good) {
        for (uint32_t x = 0; x < hist_n(h); x++)
            f.wait[x] = (struct wait){hist_ready(h, x), find_producer(h, x)};
        for (unsigned core = 0; core < h->machine.cores; core++)
            for (unsigned e = 0; e < ENGINE_DEBUG; e++)
                explain_engine(&f, core, e);
    }
    free(f.wait);
    free(f.changes);
    queues_free(&f.queues);
    return good ? ST_OK : diag_set(d, ST_NOMEM, "out of memory for explaining empty slots");
}

void holes_free(struct holes *h)
{
    free(h->used);
    free(h->cause);
    *h = (struct holes){0};
}

const char *holes_cause_name(enum cause c)
{
    static const char *const names[CAUSES] = {"missed", "scratch", "order", "ready-later", "none"};
    return names[c];
}

const char *holes_producer_name(unsigned producer)
{
    return producer == PRODUCER_JUMP ? "jump" : isa_engine_name((enum isa_engine)producer);
}
