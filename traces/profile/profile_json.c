#include "traces/profile/profile.h"

/* The text is freed; one that memory ran out for is a failure of the whole. */
static void write_text(struct json_out *j, const char *key, struct text *t)
{
    j->text->failed = j->text->failed || !text_ok(t);
    json_text(j, key, t->at);
    text_free(t);
}

static void list_by_engine(const char *key, const uint32_t value[ENGINE_DEBUG], struct json_out *j)
{
    json_open(j, key, '{');
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        json_number(j, isa_engine_name((enum isa_engine)e), value[e]);
    json_close(j, '}');
}

static void bounds(const struct profile *p, struct json_out *j)
{
    const char *what;
    const uint32_t bound = profile_bound(p, &what);
    json_open(j, "bounds", '{');
    json_number(j, "work", p->limits.work);
    json_number(j, "dep", p->limits.dep);
    if (p->io)
        json_number(j, "io", p->io);
    else
        json_text(j, "io", NULL);
    json_number(j, "words", p->limits.words);
    if (p->request.builder_bound)
        json_number(j, "builder", p->request.builder_bound);
    else
        json_text(j, "builder", NULL);
    json_text(j, "binding", p->limits.binding == ISA_ENGINES ? NULL : isa_engine_name(p->limits.binding));
    list_by_engine("work_by_engine", p->limits.engine, j);
    list_by_engine("head", p->limits.head, j);
    list_by_engine("tail", p->limits.tail, j);
    json_close(j, '}');
    json_number(j, "bound", bound);
    json_text(j, "bound_of", what);
    json_decimal(j, "ratio", bound ? (double)p->h->cycles / bound : 0);
}

static void engines(const struct profile *p, struct json_out *j)
{
    json_open(j, "engines", '{');
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        const struct profile_engine *x = &p->engine[e];
        json_open(j, isa_engine_name((enum isa_engine)e), '{');
        json_number(j, "room", x->capacity);
        json_number(j, "used", x->used);
        json_number(j, "empty", x->capacity - x->used);
        json_decimal(j, "utilization", x->capacity ? (double)x->used / (double)x->capacity : 0);
        json_close(j, '}');
    }
    json_close(j, '}');
    json_open(j, "holes", '{');
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        json_open(j, isa_engine_name((enum isa_engine)e), '{');
        for (unsigned k = 0; k < CAUSES; k++)
            json_number(j, holes_cause_name((enum cause)k), p->holes.engine[e].cause[k]);
        json_close(j, '}');
    }
    json_close(j, '}');
    json_open(j, "waits_for", '{');
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        json_open(j, isa_engine_name((enum isa_engine)e), '{');
        for (unsigned k = 0; k < PRODUCERS; k++)
            json_number(j, holes_producer_name(k), p->holes.engine[e].producer[k]);
        json_close(j, '}');
    }
    json_close(j, '}');
    json_open(j, "fill", '{');
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        json_number(j, isa_engine_name((enum isa_engine)e), p->holes.engine[e].fill);
    json_close(j, '}');
}

/* Holes by stretches of the run: the first cycle of each, and for every engine the slots
 * used and the empty ones by cause. */
static void windows(const struct profile *p, struct json_out *j)
{
    const uint32_t n = p->h->cycles < PROFILE_WINDOWS ? p->h->cycles : PROFILE_WINDOWS;
    json_open(j, "windows", '[');
    for (uint32_t w = 0; w < n; w++) {
        const uint32_t from = (uint32_t)((uint64_t)w * p->h->cycles / n);
        const uint32_t to = (uint32_t)((uint64_t)(w + 1) * p->h->cycles / n);
        json_open(j, NULL, '{');
        json_number(j, "from", p->h->first_cycle + from);
        json_number(j, "to", p->h->first_cycle + to);
        for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
            uint64_t used = 0, cause[CAUSES] = {0};
            for (uint32_t c = from; c < to; c++) {
                used += p->holes.used[c][e];
                for (unsigned k = 0; k < CAUSES; k++)
                    cause[k] += p->holes.cause[c][e][k];
            }
            json_open(j, isa_engine_name((enum isa_engine)e), '{');
            json_number(j, "used", used);
            for (unsigned k = 0; k < CAUSES; k++)
                json_number(j, holes_cause_name((enum cause)k), cause[k]);
            json_close(j, '}');
        }
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void gap(const struct profile *p, struct json_out *j)
{
    const struct gap *g = &p->gap;
    if (!p->has_gap) {
        json_text(j, "gap", NULL);
        return;
    }
    json_open(j, "gap", '{');
    json_number(j, "cycles", g->cycles - g->bound);
    json_text(j, "of", g->by_dep ? "dep" : isa_engine_name(g->engine));
    json_number(j, "units", g->units);
    for (unsigned k = 0; k < CAUSES; k++)
        json_number(j, holes_cause_name((enum cause)k), (uint64_t)g->cause[k]);
    json_number(j, "full", (uint64_t)g->full);
    json_number(j, "rounding", (uint64_t)g->rounding);
    json_close(j, '}');
}

static void where(const struct profile *p, struct json_out *j)
{
    json_open(j, "where", '{');
    json_text(j, "by", breakdown_name(p->where.by));
    json_open(j, "rows", '[');
    for (size_t i = 0; i < p->where.rows.n; i++) {
        const struct breakdown_row *r = &p->where.rows.at[i];
        json_open(j, NULL, '{');
        json_text(j, "name", r->name);
        json_decimal(j, "percent", r->permille / 10.0);
        json_decimal(j, "cycles", r->cycles);
        json_number(j, "first", p->h->first_cycle + r->first);
        json_number(j, "last", p->h->first_cycle + r->last);
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            json_number(j, isa_engine_name((enum isa_engine)e), r->slots[e]);
        json_close(j, '}');
    }
    json_close(j, ']');
    json_close(j, '}');
}

static void scratch(const struct profile *p, struct json_out *j)
{
    const struct live *l = &p->live;
    json_open(j, "scratch", '{');
    json_number(j, "peak", l->peak);
    json_number(j, "peak_cycle", p->h->first_cycle + l->peak_cycle);
    json_decimal(j, "mean", l->mean);
    json_number(j, "touched", l->touched);
    json_open(j, "hot", '[');
    for (unsigned i = 0; i < l->n_hot; i++) {
        struct text name = {0};
        prog_address_text(p->h->prog, l->hot[i].word, &name);
        json_open(j, NULL, '{');
        json_number(j, "core", l->hot[i].core);
        json_number(j, "word", l->hot[i].word);
        write_text(j, "name", &name);
        json_number(j, "reads", l->hot[i].reads);
        json_number(j, "writes", l->hot[i].writes);
        json_close(j, '}');
    }
    json_close(j, ']');
    json_close(j, '}');
}

static void share(const char *key, const struct loads_share *s, struct json_out *j)
{
    json_open(j, key, '{');
    json_number(j, "loads", s->loads);
    json_number(j, "repeated", s->repeated);
    json_close(j, '}');
}

static void loads(const struct profile *p, struct json_out *j)
{
    const struct loads *l = &p->loads;
    json_open(j, "loads", '{');
    json_number(j, "gathers", l->gathers);
    json_number(j, "vectors", l->vectors);
    json_number(j, "constants", l->constants);
    share("same_vector", &l->vector, j);
    share("same_window", &l->window, j);
    if (l->has_rounds)
        share("same_round", &l->round, j);
    else
        json_text(j, "same_round", NULL);
    share("at_all", &l->all, j);
    json_open(j, "rounds", '[');
    for (size_t i = 0; i < l->rounds.n; i++) {
        json_open(j, NULL, '{');
        json_number(j, "round", l->rounds.at[i].round);
        json_number(j, "loads", l->rounds.at[i].share.loads);
        json_number(j, "repeated", l->rounds.at[i].share.repeated);
        json_close(j, '}');
    }
    json_close(j, ']');
    json_close(j, '}');
}

static void chain(const struct profile *p, struct json_out *j)
{
    json_open(j, "chain", '[');
    for (size_t i = 0; i < p->limits.chain.n; i++) {
        const uint32_t s = p->limits.chain.at[i];
        struct text text = {0};
        profile_slot_text(p->h, s, &text);
        json_open(j, NULL, '{');
        json_number(j, "cycle", p->h->first_cycle + hist_cycle(p->h, s));
        json_number(j, "bundle", p->h->bundles.at[p->h->slots.at[s].bundle].bundle);
        json_text(j, "engine", isa_engine_name((enum isa_engine)p->h->slots.at[s].engine));
        write_text(j, "text", &text);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void what_if(const struct profile *p, const char *key, const struct what_if *w, struct json_out *j)
{
    json_open(j, key, '{');
    json_number(j, "bound", w->bound);
    if (p->advice.what_if.rescheduled)
        json_number(j, "list_schedule", w->reschedule);
    else
        json_text(j, "list_schedule", NULL);
    json_close(j, '}');
}

static void advice(const struct profile *p, struct json_out *j)
{
    const struct advice *a = &p->advice;
    json_text(j, "class", advice_class_name(a->class));
    json_text(j, "why", a->why);
    json_open(j, "what_if", '{');
    what_if(p, "as_it_is", &a->what_if.now, j);
    what_if(p, "renamed", &a->what_if.renamed, j);
    what_if(p, "unrolled", &a->what_if.unrolled, j);
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        what_if(p, isa_engine_name((enum isa_engine)e), &a->what_if.wider[e], j);
    json_close(j, '}');
    json_open(j, "advice", '[');
    for (unsigned i = 0; i < a->n; i++) {
        json_open(j, NULL, '{');
        json_text(j, "class", advice_class_name(a->item[i].about));
        json_number(j, "saving", a->item[i].saving);
        json_text(j, "text", a->item[i].text);
        json_close(j, '}');
    }
    json_close(j, ']');
}

void profile_json(const struct profile *p, struct json_out *j)
{
    json_number(j, "cycles", p->h->cycles);
    json_number(j, "first_cycle", p->h->first_cycle);
    json_number(j, "slots", p->slots);
    bounds(p, j);
    engines(p, j);
    gap(p, j);
    json_open(j, "fullness", '[');
    for (size_t i = 0; i < p->fullness.n; i++)
        json_number(j, NULL, p->fullness.at[i]);
    json_close(j, ']');
    windows(p, j);
    where(p, j);
    scratch(p, j);
    loads(p, j);
    chain(p, j);
    advice(p, j);
}
