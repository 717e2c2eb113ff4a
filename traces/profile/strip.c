#include "traces/profile/strip.h"

#include <stdlib.h>
#include <string.h>

#include "traces/profile/profile.h"

static const char *const bars[] = {"·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

/* By cause: what the eye should go to is warm. Used slots alone are plain. */
static const char *const colours[CAUSES] = {"31", "35", "33", "36", "90"};

static unsigned main_cause(const uint64_t cause[CAUSES])
{
    unsigned best = CAUSE_NONE;
    for (unsigned k = 0; k < CAUSES; k++)
        if (cause[k] > cause[best])
            best = k;
    return best;
}

static void strip_cell(const struct history *h, const struct holes *holes, unsigned engine, uint32_t from,
                       uint32_t to, bool colour, struct text *t)
{
    uint64_t used = 0, cause[CAUSES] = {0};
    for (uint32_t c = from; c < to; c++) {
        used += holes->used[c][engine];
        for (unsigned k = 0; k < CAUSES; k++)
            cause[k] += holes->cause[c][engine][k];
    }
    const uint64_t capacity = (uint64_t)(to - from) * h->machine.slots[engine] * h->machine.cores;
    /* Anything used shows, and only what is quite full is a whole block. */
    const uint64_t bar = capacity ? used * 8 / capacity : 0;
    const char *mark = bars[bar == 0 && used ? 1 : bar];
    if (colour && used < capacity)
        text_addf(t, "\033[%sm%s\033[0m", colours[main_cause(cause)], mark);
    else
        text_add(t, mark);
}

static void legend(bool colour, struct text *t)
{
    if (!colour)
        return;
    text_add(t, "        empty for: ");
    for (unsigned k = 0; k < CAUSES; k++)
        text_addf(t, "\033[%sm%s\033[0m%s", colours[k], holes_cause_name((enum cause)k),
                  k + 1 < CAUSES ? "  " : "\n");
}

void strip_text(const struct history *h, const struct holes *holes, unsigned width, bool colour,
                struct text *t)
{
    if (!h->cycles)
        return;
    const uint32_t columns = h->cycles < width ? h->cycles : width;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        if (!h->machine.slots[e])
            continue;
        text_addf(t, "%-6s  ", isa_engine_name((enum isa_engine)e));
        for (uint32_t i = 0; i < columns; i++)
            strip_cell(h, holes, e, (uint32_t)((uint64_t)i * h->cycles / columns),
                       (uint32_t)((uint64_t)(i + 1) * h->cycles / columns), colour, t);
        text_add(t, "\n");
    }
    const unsigned long long last = h->first_cycle + h->cycles - 1;
    struct text end = {0};
    text_addf(&end, "%llu", last);
    text_addf(t, "cycle   %-*llu%s\n", columns > end.n ? (int)(columns - end.n) : 1,
              (unsigned long long)h->first_cycle, end.at ? end.at : "");
    text_free(&end);
    legend(colour, t);
}

/* --- timeline --------------------------------------------------------------------- */

/* When a slot's value was read last, 0 if never, by slot. */
static uint32_t *last_reads(const struct history *h)
{
    uint32_t *last = calloc((size_t)hist_n(h) + 1, sizeof *last);
    for (uint32_t s = 0; last && s < hist_n(h); s++)
        for (uint32_t i = h->slots.at[s].first_edge; i < h->slots.at[s + 1].first_edge; i++) {
            const struct hist_edge *e = &h->edges.at[i];
            if (e->kind == HIST_VALUE || e->kind == HIST_MEM_VALUE)
                last[e->from] = hist_cycle(h, s);
        }
    return last;
}

static void ruler(uint64_t from, uint64_t to, struct text *t)
{
    text_addf(t, "%-15s", "");
    for (uint64_t c = from; c < to; c++)
        if (c % 10 == 0 || c == from) {
            struct text number = {0};
            text_addf(&number, "%llu", (unsigned long long)c);
            const uint64_t capacity = c % 10 == 0 ? 10 : 10 - c % 10;
            const uint64_t width = capacity < to - c ? capacity : to - c;
            if (number.n < width || to - c == width)
                text_addf(t, "%-*s", (int)width, number.at ? number.at : "");
            else
                text_addf(t, "%-*s", (int)width, "");
            text_free(&number);
        }
    text_add(t, "\n");
}

static void timeline_row(const struct history *h, uint32_t s, uint32_t from, uint32_t to, uint32_t last,
                         bool colour, struct text *t)
{
    const struct hist_ready r = hist_ready(h, s);
    const uint32_t at = hist_cycle(h, s);
    const struct hist_bundle *b = &h->bundles.at[h->slots.at[s].bundle];
    text_addf(t, "%7u %-6s ", b->bundle, isa_engine_name((enum isa_engine)h->slots.at[s].engine));
    for (uint32_t c = from; c < to; c++) {
        const bool ready = r.value <= c, free = ready && r.used <= c && r.order <= c;
        const char *mark = c > at ? (c <= last ? "-" : " ") : c == at ? "E" : free ? "=" : ready ? "w" : " ";
        const char *paint = c == at ? "1;32" : *mark == '=' ? "31" : *mark == 'w' ? "35" : NULL;
        if (colour && paint)
            text_addf(t, "\033[%sm%s\033[0m", paint, mark);
        else
            text_add(t, mark);
    }
    text_add(t, "  ");
    profile_slot_text(h, s, t);
    text_add(t, "\n");
}

void strip_timeline(const struct history *h, uint64_t from, uint64_t to, bool colour, struct text *t)
{
    uint32_t *last = last_reads(h);
    if (!last) {
        t->failed = true;
        return;
    }
    text_add(
        t, "E issued, = its operands were there and nothing was in its way, w its operands were there but a\n"
           "word in use or the order of accesses was in its way, - its value is still to be read\n\n");
    ruler(from, to, t);
    const uint32_t a = (uint32_t)(from - h->first_cycle), z = (uint32_t)(to - h->first_cycle);
    for (uint32_t s = 0; s < hist_n(h); s++)
        if (hist_cycle(h, s) >= a && hist_cycle(h, s) < z)
            timeline_row(h, s, a, z, last[s], colour, t);
    free(last);
}
