#include "traces/profile/breakdown.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STRETCHES = 10 };

static const char *const names[BREAKDOWN_KINDS] = {"stage", "round", "strand", "label", "time"};

const char *breakdown_name(enum breakdown_by by)
{
    return names[by];
}

enum breakdown_by breakdown_find_name(const char *name)
{
    unsigned by = 0;
    while (by < BREAKDOWN_KINDS && strcmp(names[by], name) != 0)
        by++;
    return (enum breakdown_by)by;
}

bool breakdown_known(const struct prog *p, enum breakdown_by by)
{
    return by == BREAKDOWN_TIME || (by == BREAKDOWN_LABEL ? p->labels.n > 0 : p->notes.n > 0);
}

struct work {
    const struct history *h;
    struct breakdown *out;
    uint32_t *label_of; /* by bundle of the program: a row */
};

/* The rows there may be; the last one is for cycles without slots. */
static size_t row_count(const struct work *w)
{
    size_t most = 0;
    const struct prog *p = w->h->prog;
    switch (w->out->by) {
    case BREAKDOWN_STAGE: return p->stages.n + 2;
    case BREAKDOWN_LABEL: return p->labels.n + 2;
    case BREAKDOWN_TIME: return STRETCHES + 1;
    case BREAKDOWN_ROUND:
    case BREAKDOWN_STRAND:
    default:
        for (size_t i = 0; i < p->notes.n; i++) {
            const struct prog_note *n = &p->notes.at[i];
            const size_t at = n->strand == PROG_ALL_STRANDS    ? 0
                              : w->out->by == BREAKDOWN_STRAND ? n->strand + 1u
                                                               : n->round + 1u;
            most = at > most ? at : most;
        }
        return most + 2;
    }
}

/* The labels in the order of their bundles: each reaches to the next. */
static bool place_labels(struct work *w)
{
    const struct prog *p = w->h->prog;
    w->label_of = calloc(p->bundles.n + 1, sizeof *w->label_of);
    if (!w->label_of)
        return false;
    for (size_t i = 0; i < p->labels.n; i++)
        w->label_of[p->labels.at[i].bundle] = (uint32_t)i + 1;
    for (size_t b = 1; b < p->bundles.n; b++)
        if (!w->label_of[b])
            w->label_of[b] = w->label_of[b - 1];
    return true;
}

static uint32_t row_of(const struct work *w, uint32_t slot)
{
    const struct history *h = w->h;
    const struct prog_note *note = hist_note(h, slot);
    switch (w->out->by) {
    case BREAKDOWN_STAGE: return note->stage == PROG_NO_STAGE ? 0 : note->stage + 1u;
    case BREAKDOWN_ROUND: return note->strand == PROG_ALL_STRANDS ? 0 : note->round + 1u;
    case BREAKDOWN_STRAND: return note->strand == PROG_ALL_STRANDS ? 0 : note->strand + 1u;
    case BREAKDOWN_LABEL: return w->label_of[h->bundles.at[h->slots.at[slot].bundle].bundle];
    case BREAKDOWN_TIME:
    default: return (uint32_t)((uint64_t)hist_cycle(h, slot) * STRETCHES / h->cycles);
    }
}

static void name_row(const struct work *w, size_t row, size_t last, char *out, size_t size)
{
    const struct prog *p = w->h->prog;
    const uint64_t cycles = w->h->cycles;
    if (row == last)
        (void)snprintf(out, size, "(no slots)");
    else if (w->out->by == BREAKDOWN_TIME)
        (void)snprintf(out, size, "%" PRIu64 "..%" PRIu64,
                       (row * cycles + STRETCHES - 1) / STRETCHES + w->h->first_cycle,
                       ((row + 1) * cycles - 1) / STRETCHES + w->h->first_cycle);
    else if (row == 0)
        (void)snprintf(out, size, "%s",
                       w->out->by == BREAKDOWN_LABEL   ? "(before)"
                       : w->out->by == BREAKDOWN_STAGE ? "(control)"
                                                       : "(shared)");
    else if (w->out->by == BREAKDOWN_STAGE || w->out->by == BREAKDOWN_LABEL)
        (void)snprintf(out, size, "%s",
                       w->out->by == BREAKDOWN_STAGE ? p->stages.at[row - 1] : p->labels.at[row - 1].name);
    else
        (void)snprintf(out, size, "%zu", row - 1);
    if (!*out)
        (void)snprintf(out, size, "(unnamed)");
}

/* One cycle: the slots [from, to), of all cores. */
static void share_cycle(const struct work *w, uint32_t cycle, uint32_t from, uint32_t to)
{
    struct breakdown_row *rows = w->out->rows.at;
    double weight = 0;
    for (uint32_t s = from; s < to; s++)
        weight += 1.0 / w->h->machine.slots[w->h->slots.at[s].engine];
    if (from == to)
        rows[w->out->rows.n - 1].cycles += 1;
    for (uint32_t s = from; s < to; s++) {
        const unsigned engine = w->h->slots.at[s].engine;
        struct breakdown_row *row = &rows[row_of(w, s)];
        uint64_t slots = 0;
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            slots += row->slots[e];
        if (!slots)
            row->first = cycle;
        row->last = cycle;
        row->slots[engine]++;
        row->cycles += 1.0 / w->h->machine.slots[engine] / weight;
    }
}

static void share_cycles(const struct work *w)
{
    uint32_t at = 0;
    for (uint32_t c = 0; c < w->h->cycles; c++) {
        const uint32_t from = at;
        while (at < hist_n(w->h) && hist_cycle(w->h, at) == c)
            at++;
        share_cycle(w, c, from, at);
    }
}

/* Rounded down, then one more to those that lose most by it (Hamilton's method). */
static void round_shares(const struct work *w)
{
    struct breakdown_row *rows = w->out->rows.at;
    unsigned left = w->h->cycles ? 1000 : 0;
    for (size_t i = 0; i < w->out->rows.n && w->h->cycles; i++) {
        rows[i].permille = (unsigned)floor(1000 * rows[i].cycles / w->h->cycles + 1e-9);
        left -= rows[i].permille;
    }
    for (; left; left--) {
        size_t best = 0;
        double most = -1;
        for (size_t i = 0; i < w->out->rows.n; i++) {
            const double loss = 1000 * rows[i].cycles / w->h->cycles - rows[i].permille;
            if (loss > most) {
                most = loss;
                best = i;
            }
        }
        rows[best].permille++;
    }
}

static void drop_empty(struct breakdown *out)
{
    size_t n = 0;
    for (size_t i = 0; i < out->rows.n; i++)
        if (out->rows.at[i].cycles > 0)
            out->rows.at[n++] = out->rows.at[i];
    out->rows.n = n;
}

enum status breakdown_find(const struct history *h, enum breakdown_by by, struct breakdown *out,
                           struct diag *d)
{
    *out = (struct breakdown){.by = by};
    struct work w = {.h = h, .out = out};
    const size_t rows = row_count(&w);
    bool good = vec_reserve(&out->rows, rows) && (by != BREAKDOWN_LABEL || place_labels(&w));
    for (size_t i = 0; good && i < rows; i++) {
        struct breakdown_row *row = &out->rows.at[out->rows.n++];
        *row = (struct breakdown_row){.cycles = 0};
        name_row(&w, i, rows - 1, row->name, sizeof row->name);
    }
    if (good) {
        share_cycles(&w);
        round_shares(&w);
        drop_empty(out);
    }
    free(w.label_of);
    return good ? ST_OK : diag_set(d, ST_NOMEM, "out of memory for the shares of cycles");
}

void breakdown_free(struct breakdown *w)
{
    vec_free(&w->rows);
}
