#include "traces/profile/profile.h"

#include <stdlib.h>

static void count_engines(struct profile *p)
{
    const struct history *h = p->h;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        p->engine[e].capacity = (uint64_t)h->cycles * h->machine.slots[e] * h->machine.cores;
    for (uint32_t s = 0; s < hist_n(h); s++)
        p->engine[h->slots.at[s].engine].used++;
    p->slots = hist_n(h);
}

static bool count_fullness(struct profile *p)
{
    uint32_t most = 0;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        most += p->h->machine.slots[e] * p->h->machine.cores;
    if (!vec_reserve(&p->fullness, (size_t)most + 1))
        return false;
    for (p->fullness.n = 0; p->fullness.n <= most; p->fullness.n++)
        p->fullness.at[p->fullness.n] = 0;
    for (uint32_t c = 0; c < p->holes.cycles; c++) {
        uint32_t used = 0;
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            used += p->holes.used[c][e];
        p->fullness.at[used]++;
    }
    return true;
}

static enum breakdown_by default_by(const struct prog *p)
{
    unsigned by = 0;
    while (!breakdown_known(p, (enum breakdown_by)by))
        by++;
    return (enum breakdown_by)by;
}

static enum status advise(struct profile *p, struct diag *d)
{
    const struct advice_facts facts = {
        .gathers = p->loads.gathers,
        .repeated = p->loads.has_rounds ? p->loads.round.repeated : p->loads.window.repeated,
        .constants = p->loads.constants,
        .bound = p->request.builder_bound,
        .live_peak = p->live.peak,
    };
    return advice_make(p->h, &p->holes, &p->limits, &facts, &p->advice, d);
}

enum status profile_make(const struct history *h, const struct profile_request *rq, struct profile *out,
                         struct diag *d)
{
    *out = (struct profile){.h = h, .request = *rq};
    const uint64_t words = rq->in > rq->out ? rq->in : rq->out;
    out->io = (uint32_t)((words + PROFILE_IO_RATE - 1) / PROFILE_IO_RATE);
    count_engines(out);
    const enum breakdown_by by = rq->by == BREAKDOWN_KINDS ? default_by(h->prog) : rq->by;
    enum status status = holes_find(h, &out->holes, d);
    if (status == ST_OK && !count_fullness(out))
        status = diag_set(d, ST_NOMEM, "out of memory for the profile");
    if (status == ST_OK)
        status = limits_find(h, &h->machine, &out->limits, d);
    if (status == ST_OK)
        status = live_find(h, &out->live, d);
    if (status == ST_OK)
        status = loads_find(h, &out->loads, d);
    if (status == ST_OK)
        status = breakdown_find(h, by, &out->where, d);
    if (status == ST_OK)
        status = advise(out, d);
    if (status == ST_OK)
        out->has_gap = gap_find(h, &out->holes, &out->limits, &out->gap);
    return status;
}

void profile_free(struct profile *p)
{
    holes_free(&p->holes);
    limits_free(&p->limits);
    live_free(&p->live);
    loads_free(&p->loads);
    breakdown_free(&p->where);
    vec_free(&p->fullness);
}

uint32_t profile_bound(const struct profile *p, const char **what)
{
    if (p->request.builder_bound) {
        *what = p->request.builder_binds;
        return p->request.builder_bound;
    }
    *what = p->limits.dep >= p->limits.work ? "dep" : "work";
    return p->limits.dep >= p->limits.work ? p->limits.dep : p->limits.work;
}

void profile_slot_text(const struct history *h, uint32_t slot, struct text *t)
{
    prog_slot_text(h->prog, hist_isa(h, slot), t);
    const struct prog_note *n = hist_note(h, slot);
    if (!n || n->stage == PROG_NO_STAGE)
        return;
    text_addf(t, "  [%s", h->prog->stages.at[n->stage]);
    if (n->strand != PROG_ALL_STRANDS)
        text_addf(t, ", round %u, strand %u", n->round, n->strand);
    if (n->value)
        text_addf(t, ", %s+%u", n->value, n->word);
    text_add(t, "]");
}
