#include "traces/profile/gap.h"

static uint32_t latest(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* The cycles [from, t) that slot x of the chain was late. */
static void explain_delay(const struct history *h, const struct holes *holes, uint32_t x, uint32_t from,
                          struct gap *out)
{
    const struct hist_ready r = hist_ready(h, x);
    const uint32_t t = hist_cycle(h, x);
    const unsigned engine = h->slots.at[x].engine;
    const uint32_t value = latest(from, r.value), order = latest(value, r.order),
                   used = latest(order, r.used);
    out->cause[CAUSE_READY_LATER] += value - from;
    out->cause[CAUSE_ORDER] += order - value;
    out->cause[CAUSE_SCRATCH] += used - order;
    for (uint32_t c = used; c < t; c++) {
        if (holes->used[c][engine] >= h->machine.slots[engine])
            out->full++;
        else
            out->cause[CAUSE_MISSED]++;
    }
}

/* The cycles that edges ask for between the two; none leads to a jump from what has to be before it. */
static uint32_t between(const struct history *h, uint32_t from, uint32_t to)
{
    int8_t most = 0;
    for (uint32_t i = h->slots.at[to].first_edge; i < h->slots.at[to + 1].first_edge; i++)
        if (h->edges.at[i].from == from && h->edges.at[i].delay > most)
            most = h->edges.at[i].delay;
    return (uint32_t)most;
}

static void follow_chain(const struct history *h, const struct holes *holes, const struct limits *l,
                         struct gap *out)
{
    uint32_t next = 0;
    for (size_t i = 0; i < l->chain.n; i++) {
        explain_delay(h, holes, l->chain.at[i], next, out);
        next = hist_cycle(h, l->chain.at[i]) +
               (i + 1 == l->chain.n ? 1 : between(h, l->chain.at[i], l->chain.at[i + 1]));
    }
    out->cause[CAUSE_NONE] += h->cycles - next;
}

static void count_middle(const struct history *h, const struct holes *holes, const struct limits *l,
                         struct gap *out)
{
    const unsigned e = out->engine;
    const uint32_t head = l->head[e], tail = l->tail[e];
    int64_t used = 0;
    for (uint32_t c = head; c + tail < h->cycles; c++) {
        used += holes->used[c][e];
        for (unsigned k = 0; k < CAUSES; k++)
            out->cause[k] += holes->cause[c][e][k];
    }
    /* The bound is head + tail + the least cycles for `counted` slots. */
    const int64_t least = (int64_t)l->engine[e] - head - tail;
    int64_t sum = used;
    for (unsigned k = 0; k < CAUSES; k++)
        sum += out->cause[k];
    /* sum = units * (cycles - head - tail) = units * (gap + least). */
    const int64_t gap = (int64_t)out->cycles - out->bound;
    out->full = used < least * out->units ? 0 : used - least * out->units;
    out->rounding = sum - used + out->full - gap * out->units;
}

bool gap_find(const struct history *h, const struct holes *holes, const struct limits *l, struct gap *out)
{
    *out = (struct gap){.cycles = h->cycles, .by_dep = l->dep >= l->work, .engine = l->binding, .units = 1};
    if (h->machine.cores != 1 || l->binding == ISA_ENGINES)
        return false;
    out->bound = out->by_dep ? l->dep : l->work;
    if (out->by_dep) {
        follow_chain(h, holes, l, out);
        return true;
    }
    out->units = h->machine.slots[out->engine];
    count_middle(h, holes, l, out);
    return true;
}
