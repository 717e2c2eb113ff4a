#include <inttypes.h>
#include <string.h>

#include "traces/profile/profile.h"
#include "traces/profile/strip.h"

enum { CHAIN_SHOWN = 12 };

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

void profile_bound_text(uint32_t bound, const char *what, uint64_t cycles, struct text *t)
{
    const char *limited = strcmp(what, "work") == 0  ? "slot"
                          : strcmp(what, "dep") == 0 ? "dependence"
                                                     : "scratch";
    text_addf(t, "bound      %u cycles (%s-limited); %.3f x bound\n", bound, limited, (double)cycles / bound);
}

static void totals(const struct profile *p, struct text *t)
{
    const struct history *h = p->h;
    const char *what;
    const uint32_t bound = profile_bound(p, &what);
    if (h->first_cycle || h->clipped)
        text_addf(t, "cycles     %u (%" PRIu64 " to %" PRIu64 ")\n", h->cycles, h->first_cycle,
                  h->first_cycle + h->cycles);
    else
        text_addf(t, "cycles     %u\n", h->cycles);
    if (bound)
        profile_bound_text(bound, what, h->cycles, t);
    text_addf(t, "slots      %" PRIu64 ", %.2f a cycle\n", p->slots,
              h->cycles ? (double)p->slots / h->cycles : 0);
    text_addf(t, "class      %s: %s\n", advice_class_name(p->advice.class), p->advice.why);
}

static void bounds(const struct profile *p, struct text *t)
{
    const struct limits *l = &p->limits;
    const uint32_t cycles = p->h->cycles;
    text_add(t, "\nbounds           cycles   ratio\n");
    if (p->request.builder_bound)
        text_addf(t, "builder      %10u  %6.3f  its operations, on whatever engine can run them (%s)\n",
                  p->request.builder_bound, (double)cycles / p->request.builder_bound,
                  p->request.builder_binds);
    if (l->binding != ISA_ENGINES)
        text_addf(t,
                  "work         %10u  %6.3f  these slots: %s, after %u cycles of head, before %u of tail\n",
                  l->work, (double)cycles / l->work, isa_engine_name(l->binding), l->head[l->binding],
                  l->tail[l->binding]);
    if (l->dep)
        text_addf(t, "dep          %10u  %6.3f  the longest chain of values\n", l->dep,
                  (double)cycles / l->dep);
    if (l->words)
        text_addf(t, "dep, words   %10u  %6.3f  the same, in the words that the program uses\n", l->words,
                  (double)cycles / l->words);
    if (p->io)
        text_addf(t,
                  "io           %10u  %6.3f  %" PRIu64 " words that must come in, %" PRIu64
                  " that must go out, %d a cycle each way\n",
                  p->io, (double)cycles / p->io, p->request.in, p->request.out, PROFILE_IO_RATE);
}

static void engines(const struct profile *p, struct text *t)
{
    text_add(t, "\nengine      slots  empty    full");
    for (unsigned k = 0; k < CAUSES; k++)
        text_addf(t, "  %11s", holes_cause_name((enum cause)k));
    text_add(t, "\n");
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        const struct profile_engine *x = &p->engine[e];
        text_addf(t, "%-6s %10" PRIu64 " %6" PRIu64 " %5.1f %%", isa_engine_name((enum isa_engine)e), x->used,
                  x->capacity - x->used, percent(x->used, x->capacity));
        for (unsigned k = 0; k < CAUSES; k++)
            text_addf(t, "  %11" PRIu64, p->holes.engine[e].cause[k]);
        text_add(t, "\n");
    }
    text_add(t, "\nready-later waits for\nengine");
    for (unsigned k = 0; k < PRODUCERS; k++)
        text_addf(t, " %10s", holes_producer_name(k));
    text_addf(t, "   none: %7s %7s\n", "fill", "drain");
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        const struct hole_count *n = &p->holes.engine[e];
        text_addf(t, "%-6s", isa_engine_name((enum isa_engine)e));
        for (unsigned k = 0; k < PRODUCERS; k++)
            text_addf(t, " %10" PRIu64, n->producer[k]);
        text_addf(t, "         %7" PRIu64 " %7" PRIu64 "\n", n->fill, n->cause[CAUSE_NONE] - n->fill);
    }
}

static void fullness(const struct profile *p, struct text *t)
{
    enum { BINS = 8 };
    const size_t most = p->fullness.n - 1;
    text_add(t, "\nslots a cycle   cycles   share\n");
    for (size_t b = 0; b < BINS; b++) {
        const size_t from = b * (most + 1) / BINS, to = (b + 1) * (most + 1) / BINS;
        uint64_t cycles = 0;
        for (size_t k = from; k < to; k++)
            cycles += p->fullness.at[k];
        if (from < to)
            text_addf(t, "%5zu..%-5zu %10" PRIu64 "  %5.1f %%\n", from, to - 1, cycles,
                      percent(cycles, p->h->cycles));
    }
}

static void gap_item(const struct gap *g, const char *name, int64_t slots, struct text *t)
{
    if (slots && g->units == 1)
        text_addf(t, "  %-14s %10" PRId64 " cycles\n", name, slots);
    else if (slots)
        text_addf(t, "  %-14s %10" PRId64 " slots  %8.2f cycles\n", name, slots, (double)slots / g->units);
}

static void gap(const struct profile *p, struct text *t)
{
    const struct gap *g = &p->gap;
    if (!p->has_gap)
        return;
    const uint32_t over = g->cycles - g->bound;
    if (g->by_dep)
        text_addf(t, "\ngap        %u cycles over the chain's %u, by what its slots waited for\n", over,
                  g->bound);
    else
        text_addf(t,
                  "\ngap        %u cycles over the %u of %s's work: its empty slots between head and tail\n",
                  over, g->bound, isa_engine_name(g->engine));
    for (unsigned k = 0; k < CAUSES; k++)
        gap_item(g, holes_cause_name((enum cause)k), g->cause[k], t);
    gap_item(g, g->by_dep ? "engine full" : "other slots", g->full, t);
    gap_item(g, "rounding", -g->rounding, t);
}

static void where(const struct profile *p, struct text *t)
{
    text_addf(t, "\nby %-24s share    cycles  ", breakdown_name(p->where.by));
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        text_addf(t, " %8s", isa_engine_name((enum isa_engine)e));
    text_add(t, "   first    last\n");
    for (size_t i = 0; i < p->where.rows.n; i++) {
        const struct breakdown_row *r = &p->where.rows.at[i];
        text_add_shown(t, r->name, 25, 25);
        text_addf(t, " %5u.%u %%  %8.1f", r->permille / 10, r->permille % 10, r->cycles);
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            text_addf(t, " %8" PRIu64, r->slots[e]);
        text_addf(t, " %7" PRIu64 " %7" PRIu64 "\n", r->first + p->h->first_cycle,
                  r->last + p->h->first_cycle);
    }
}

static void scratch(const struct profile *p, struct text *t)
{
    const struct live *l = &p->live;
    text_addf(t,
              "\nscratch    %u of %u words in use at most (cycle %" PRIu64 "), %.1f on average, %u touched\n",
              l->peak, p->h->machine.scratch * p->h->machine.cores, p->h->first_cycle + l->peak_cycle,
              l->mean, l->touched);
    text_add(t, "hot words ");
    for (unsigned i = 0; i < l->n_hot; i++) {
        text_add(t, i ? ", " : " ");
        prog_address_text(p->h->prog, l->hot[i].word, t);
        text_addf(t, " (%" PRIu64 " r, %" PRIu64 " w)", l->hot[i].reads, l->hot[i].writes);
    }
    text_add(t, "\n");
}

static void share(const char *of, const struct loads_share *s, struct text *t)
{
    text_addf(t, "  %-28s %10" PRIu64 "  %5.1f %%\n", of, s->repeated, percent(s->repeated, s->loads));
}

static void loads(const struct profile *p, struct text *t)
{
    const struct loads *l = &p->loads;
    text_addf(
        t, "\nloads      %" PRIu64 " of one word (gathers), %" PRIu64 " of vectors, %" PRIu64 " constants\n",
        l->gathers, l->vectors, l->constants);
    if (!l->gathers)
        return;
    text_add(t, "gathers of a word loaded before\n");
    share("for the same vector", &l->vector, t);
    share("in the same 64 cycles", &l->window, t);
    if (l->has_rounds)
        share("in the same round", &l->round, t);
    share("at all", &l->all, t);
    if (l->rounds.n < 2)
        return;
    text_add(t, "  by round  ");
    for (size_t i = 0; i < l->rounds.n; i++)
        text_addf(t, " %u: %.0f %%", l->rounds.at[i].round,
                  percent(l->rounds.at[i].share.repeated, l->rounds.at[i].share.loads));
    text_add(t, "\n");
}

static void chain(const struct profile *p, struct text *t)
{
    const struct limits *l = &p->limits;
    if (!l->chain.n)
        return;
    text_addf(t, "\nchain      %zu slots, each needs the one before\n", l->chain.n);
    for (size_t i = 0; i < l->chain.n; i++) {
        if (l->chain.n > CHAIN_SHOWN && i == CHAIN_SHOWN / 2) {
            text_addf(t, "  ...  %zu more\n", l->chain.n - CHAIN_SHOWN);
            i = l->chain.n - CHAIN_SHOWN / 2;
        }
        const uint32_t s = l->chain.at[i];
        text_addf(t, "  cycle %-8" PRIu64 " %-6s ", p->h->first_cycle + hist_cycle(p->h, s),
                  isa_engine_name((enum isa_engine)p->h->slots.at[s].engine));
        profile_slot_text(p->h, s, t);
        text_add(t, "\n");
    }
}

static void what_if(const struct profile *p, struct text *t)
{
    const struct advice *a = &p->advice;
    text_add(t, "\nwhat if                    bound  list schedule\n");
    const struct {
        const char *name;
        const struct what_if *w;
    } rows[] = {{"as it is", &a->what_if.now},
                {"every value its own words", &a->what_if.renamed},
                {"and no wait for a jump", &a->what_if.unrolled}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        text_addf(t, "%-25s %6u", rows[i].name, rows[i].w->bound);
        text_addf(t, a->what_if.rescheduled ? "  %13u\n" : "              -\n", rows[i].w->reschedule);
    }
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        text_addf(t, "one more slot for %-7s %6u", isa_engine_name((enum isa_engine)e),
                  a->what_if.wider[e].bound);
        text_addf(t, a->what_if.rescheduled ? "  %13u\n" : "              -\n",
                  a->what_if.wider[e].reschedule);
    }
}

static void advice(const struct profile *p, struct text *t)
{
    if (!p->advice.n)
        return;
    text_add(t, "\nwhat next      saves\n");
    for (unsigned i = 0; i < p->advice.n; i++)
        text_addf(t, "%-10s %9u  %s\n", advice_class_name(p->advice.item[i].about), p->advice.item[i].saving,
                  p->advice.item[i].text);
}

void profile_text(const struct profile *p, unsigned width, bool colour, struct text *t)
{
    totals(p, t);
    text_add(t, "\n");
    strip_text(p->h, &p->holes, width, colour, t);
    bounds(p, t);
    engines(p, t);
    gap(p, t);
    where(p, t);
    fullness(p, t);
    scratch(p, t);
    loads(p, t);
    chain(p, t);
    what_if(p, t);
    advice(p, t);
}
