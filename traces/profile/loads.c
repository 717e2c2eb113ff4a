/* Each way to divide the gathers into parts gives every gather a number of its part; sorted by
 * part and address, all but the first of equal ones are repeated. */
#include "traces/profile/loads.h"

#include <stdlib.h>

#define NO_PART UINT32_MAX

struct gather {
    uint32_t slot, part, address;
};

struct work {
    const struct history *h;
    VEC(struct gather) list;
    uint32_t *vector_of; /* by slot: its part, one more than a vector operand's number; 0: none */
};

static enum isa_kind kind_of(const struct history *h, uint32_t slot)
{
    return isa_info((enum isa_op)hist_isa(h, slot)->op)->kind;
}

static bool list_gathers(struct work *w, struct loads *out)
{
    for (uint32_t s = 0; s < hist_n(w->h); s++) {
        if (w->h->slots.at[s].engine != ENGINE_LOAD)
            continue;
        const enum isa_kind kind = kind_of(w->h, s);
        out->vectors += kind == KIND_VLOAD;
        out->constants += kind == KIND_PURE;
        out->gathers += kind == KIND_LOAD;
        if (kind == KIND_LOAD && !vec_push(&w->list, (struct gather){s, 0, w->h->slots.at[s].address}))
            return false;
    }
    return true;
}

/* The vector operand of `slot` that holds scratch word `word`, or -1. */
static int operand_with(const struct history *h, uint32_t slot, uint32_t word)
{
    const struct isa_effects fx = isa_effects(hist_isa(h, slot), h->machine.vlen);
    for (unsigned i = 0; i < fx.reads; i++)
        if (fx.read[i].n > 1 && word >= fx.read[i].first && word - fx.read[i].first < fx.read[i].n)
            return (int)i;
    return -1;
}

/* The first vector operand that reads what a load has loaded is that load's vector. An edge
 * names the first of the words it is for, which is one the load wrote. */
static void find_vectors(struct work *w)
{
    const struct history *h = w->h;
    for (uint32_t s = 0; s < hist_n(h); s++)
        for (uint32_t i = h->slots.at[s].first_edge; i < h->slots.at[s + 1].first_edge; i++) {
            const struct hist_edge *e = &h->edges.at[i];
            if (e->kind != HIST_VALUE || h->slots.at[e->from].engine != ENGINE_LOAD ||
                w->vector_of[e->from] || kind_of(h, e->from) != KIND_LOAD)
                continue;
            const int operand = operand_with(h, s, e->word);
            if (operand >= 0)
                w->vector_of[e->from] = s * ISA_MAX_ARGS + (uint32_t)operand + 1;
        }
}

static int by_part(const void *a, const void *b)
{
    const struct gather *x = a, *y = b;
    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* Gathers of NO_PART count as loads that repeat nothing. */
static struct loads_share count(struct work *w)
{
    struct loads_share share = {w->list.n, 0};
    if (w->list.n)
        qsort(w->list.at, w->list.n, sizeof *w->list.at, by_part);
    for (size_t i = 1; i < w->list.n; i++) {
        const struct gather *g = &w->list.at[i];
        share.repeated += g->part != NO_PART && g->part == g[-1].part && g->address == g[-1].address;
    }
    return share;
}

/* The list is sorted by round. */
static bool list_rounds(const struct work *w, struct loads *out)
{
    for (size_t i = 0; i < w->list.n; i++) {
        const struct gather *g = &w->list.at[i];
        if (g->part == NO_PART)
            break;
        const bool first = i == 0 || g[-1].part != g->part;
        if (first && !vec_push(&out->rounds, (struct loads_round){.round = (uint16_t)g->part}))
            return false;
        struct loads_share *share = &out->rounds.at[out->rounds.n - 1].share;
        share->loads++;
        share->repeated += !first && g->address == g[-1].address;
    }
    return true;
}

static bool find(struct work *w, struct loads *out)
{
    const struct history *h = w->h;
    out->all = count(w);
    for (size_t i = 0; i < w->list.n; i++)
        w->list.at[i].part = hist_cycle(h, w->list.at[i].slot) / LOADS_WINDOW;
    out->window = count(w);
    find_vectors(w);
    for (size_t i = 0; i < w->list.n; i++)
        w->list.at[i].part = w->vector_of[w->list.at[i].slot] - 1; /* none: NO_PART */
    out->vector = count(w);
    out->has_rounds = h->prog->notes.n > 0;
    if (!out->has_rounds)
        return true;
    for (size_t i = 0; i < w->list.n; i++) {
        const struct prog_note *note = hist_note(h, w->list.at[i].slot);
        w->list.at[i].part = note->strand == PROG_ALL_STRANDS ? NO_PART : note->round;
    }
    out->round = count(w);
    return list_rounds(w, out);
}

enum status loads_find(const struct history *h, struct loads *out, struct diag *d)
{
    *out = (struct loads){0};
    struct work w = {.h = h, .vector_of = calloc((size_t)hist_n(h) + 1, sizeof *w.vector_of)};
    const bool good = w.vector_of && list_gathers(&w, out) && find(&w, out);
    free(w.vector_of);
    vec_free(&w.list);
    return good ? ST_OK : diag_set(d, ST_NOMEM, "out of memory for repeated loads");
}

void loads_free(struct loads *l)
{
    vec_free(&l->rounds);
}
