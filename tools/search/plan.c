#include "tools/search/plan.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* Longer annealings find less in the same time; small budgets are split for the sake of workers. */
enum { UNIT_EVALUATIONS = 1500, LEAST_EVALUATIONS = 25, LEAST_UNITS = 8 };

/* A unit's request; the record to start from follows, if there is one. */
struct request {
    uint64_t seed, evaluations;
    double limit; /* results have to cost less */
    double shown; /* so do reports */
};

/* A report or result; the record follows, if there is one, or why it failed. */
struct reply {
    uint64_t evaluations, status;
    double cost;
};

/* --- the plan ----------------------------------------------------------------- */

bool search_plan_start(struct search_plan *p, const struct tuning *best)
{
    uint64_t unit = p->evaluations / LEAST_UNITS;
    unit = unit < LEAST_EVALUATIONS ? LEAST_EVALUATIONS : unit > UNIT_EVALUATIONS ? UNIT_EVALUATIONS : unit;
    p->units = (p->evaluations - 1) / unit + 1;
    p->lag = p->units / 2;
    struct tuning first = {.cycles = 0};
    if (tuning_copy(&first, best) && vec_push(&p->history, (struct search_milestone){0, first}))
        return true;
    tuning_free(&first);
    return false;
}

void search_plan_free(struct search_plan *p)
{
    for (size_t i = 0; i < p->flights.n; i++)
        tuning_free(&p->flights.at[i].found);
    for (size_t i = 0; i < p->history.n; i++)
        tuning_free(&p->history.at[i].best);
    vec_free(&p->flights);
    vec_free(&p->history);
}

const struct tuning *search_plan_best(const struct search_plan *p)
{
    return &p->history.at[p->history.n - 1].best;
}

uint64_t search_plan_evaluations(const struct search_plan *p)
{
    uint64_t n = p->searched;
    for (size_t i = 0; i < p->flights.n; i++)
        n += p->flights.at[i].evaluations;
    return n;
}

uint64_t search_plan_seen(const struct search_plan *p, uint64_t unit)
{
    return unit > p->lag ? unit - p->lag : 0;
}

static const struct tuning *start_of(const struct search_plan *p, uint64_t unit)
{
    size_t i = p->history.n - 1;
    while (p->history.at[i].after > search_plan_seen(p, unit))
        i--;
    return &p->history.at[i].best;
}

enum pool_next search_plan_next(struct search_plan *p, double shown, uint64_t *unit, struct text *request)
{
    *unit = p->merged + p->flights.n;
    if (*unit == p->units)
        return POOL_END;
    if (p->merged < search_plan_seen(p, *unit))
        return POOL_WAIT;
    const struct tuning *best = start_of(p, *unit);
    struct rng rng = {p->seed * UINT64_C(0x9e3779b97f4a7c15) + *unit};
    const struct request r = {.seed = rng_next(&rng),
                              .evaluations = p->evaluations / p->units + (*unit < p->evaluations % p->units),
                              .limit = best->cycles ? best->cost : INFINITY,
                              .shown = shown};
    text_add_n(request, (const char *)&r, sizeof r);
    if (best->cycles && *unit % 2 == 0)
        tuning_write(best, p->title, request);
    if (!vec_push(&p->flights, (struct search_flight){.done = false}))
        request->failed = true;
    return POOL_UNIT;
}

/* Results in the order of units; equals change nothing. */
static bool merge(struct search_plan *p)
{
    size_t n = 0;
    bool good = true;
    for (; n < p->flights.n && p->flights.at[n].done && good; n++) {
        struct search_flight *f = &p->flights.at[n];
        const struct tuning *best = search_plan_best(p);
        p->merged++;
        p->searched += f->evaluations;
        if (f->found.cycles && (!best->cycles || f->found.cost < best->cost)) {
            good = vec_push(&p->history, (struct search_milestone){p->merged, f->found});
            f->found = good ? (struct tuning){.cycles = 0} : f->found;
        }
        tuning_free(&f->found);
    }
    memmove(p->flights.at, p->flights.at + n, (p->flights.n - n) * sizeof *p->flights.at);
    p->flights.n -= n;
    /* Of those that every unit not merged sees, the newest is enough. Units in flight may be
     * handed out again, by a later run. */
    const uint64_t all = search_plan_seen(p, p->merged);
    size_t old = 0;
    while (old + 1 < p->history.n && p->history.at[old + 1].after <= all)
        tuning_free(&p->history.at[old++].best);
    memmove(p->history.at, p->history.at + old, (p->history.n - old) * sizeof *p->history.at);
    p->history.n -= old;
    return good;
}

enum status search_plan_take(struct search_plan *p, const struct pool_message *r, struct tuning *found,
                             struct diag *d)
{
    struct reply reply;
    struct tuning t = {.cycles = 0};
    *found = t;
    if (r->unit < p->merged || r->unit - p->merged >= p->flights.n || r->n < sizeof reply)
        return diag_set(d, ST_INPUT, "a worker's report makes no sense");
    memcpy(&reply, r->data, sizeof reply);
    const char *text = r->data + sizeof reply;
    const size_t size = r->n - sizeof reply;
    if (reply.status != ST_OK)
        return diag_set(d, (enum status)reply.status, "%.*s", (int)size, text);
    struct search_flight *f = &p->flights.at[r->unit - p->merged];
    f->evaluations = reply.evaluations;
    if (size) {
        const enum status status = tuning_read(text, size, "a worker's report", p->title, &t, d);
        if (status != ST_OK)
            return status;
        t.cost = reply.cost;
    }
    bool good = true;
    if (t.cycles)
        good = tuning_copy(found, &t);
    if (good && r->last) {
        f->found = t;
        f->done = true;
        good = merge(p);
    } else {
        tuning_free(&t);
    }
    return good ? ST_OK : diag_set(d, ST_NOMEM, "out of memory for a result");
}

/* --- a unit ------------------------------------------------------------------- */

struct work {
    const struct search_plan *plan;
    const struct request *request;
    struct pool_channel *channel;
    struct tuning best;
    double told_cost, told_at; /* cost and seconds of the last report */
    bool wanted;
};

static void write_reply(const struct work *w, uint64_t evaluations, double limit, struct text *out)
{
    const struct reply r = {evaluations, ST_OK, w->best.cost};
    text_add_n(out, (const char *)&r, sizeof r);
    if (w->best.cycles && w->best.cost < limit)
        tuning_write(&w->best, w->plan->title, out);
}

/* A few times a second: how far it is, and a result where that is news. */
static bool progress(void *context, const struct search_progress *p)
{
    const double often = 0.1;
    struct work *w = context;
    if (p->seconds < w->told_at + often || p->evaluations >= w->request->evaluations)
        return true;
    struct text t = {0};
    write_reply(w, p->evaluations, w->told_cost, &t);
    w->wanted = text_ok(&t) && pool_report(w->channel, t.at, t.n);
    text_free(&t);
    w->told_at = p->seconds;
    if (w->best.cycles && w->best.cost < w->told_cost)
        w->told_cost = w->best.cost;
    return w->wanted;
}

void search_plan_work(void *plan, const struct pool_message *request, struct pool_channel *channel,
                      struct text *result)
{
    struct request rq;
    memcpy(&rq, request->data, sizeof rq);
    struct work w = {.plan = plan, .request = &rq, .channel = channel, .told_cost = rq.shown};
    struct search_options o = search_default_options();
    o.seed = rq.seed;
    o.evaluations = rq.evaluations;
    o.threads = o.islands = 1;
    struct diag d;
    enum status status = ST_OK;
    if (request->n > sizeof rq)
        status = tuning_read(request->data + sizeof rq, request->n - sizeof rq, "a unit's start",
                             w.plan->title, &w.best, &d);
    const struct tuned_watch watch = {progress, NULL, &w};
    if (status == ST_OK)
        status = tuned_search(w.plan->variant, w.plan->rq, &o, &watch, &w.best, &d);
    if (status == ST_OK) {
        write_reply(&w, rq.evaluations, rq.limit, result);
    } else {
        const struct reply r = {0, status, 0};
        text_add_n(result, (const char *)&r, sizeof r);
        text_add(result, d.text);
    }
    tuning_free(&w.best);
}
