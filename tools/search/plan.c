#include "tools/search/plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/base/file.h"

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

/* --- resume ------------------------------------------------------------------------------ */

/* How far a search is, as a file beside its record:
 *
 *     sheaf-search 1
 *     for tree_hash:best values height=10, rounds=16, batch=256
 *     seed 1 evaluations 60000 fresh 0 there inf
 *     merged 17 searched 25500 milestones 2
 *     after 9 cost 0x1.b6p+9 bytes 28872      and so many bytes of a record; cost inf: none
 *     ...
 *     end
 */

enum { MAX_FILE = 1 << 30 };

static void head(const struct search_plan *p, bool fresh, struct text *out)
{
    text_addf(out, "sheaf-search 1\nfor %s\nseed %" PRIu64 " evaluations %" PRIu64 " fresh %d ", p->title,
              p->seed, p->evaluations, fresh);
}

enum status search_plan_save(const struct search_plan *p, const char *path, bool fresh, double there,
                             struct diag *d)
{
    struct text t = {0};
    head(p, fresh, &t);
    text_addf(&t, "there %a\nmerged %" PRIu64 " searched %" PRIu64 " milestones %zu\n", there, p->merged,
              p->searched, p->history.n);
    for (size_t i = 0; i < p->history.n; i++) {
        const struct search_milestone *m = &p->history.at[i];
        struct text record = {0};
        if (m->best.cycles)
            tuning_write(&m->best, p->title, &record);
        text_addf(&t, "after %" PRIu64 " cost %a bytes %zu\n", m->after,
                  m->best.cycles ? m->best.cost : INFINITY, record.n);
        text_add_n(&t, record.n ? record.at : "", record.n);
        t.failed = t.failed || record.failed;
        text_free(&record);
    }
    text_add(&t, "end\n");
    const enum status status =
        text_ok(&t) ? file_replace(path, t.at, t.n, d) : diag_set(d, ST_NOMEM, "out of memory for %s", path);
    text_free(&t);
    return status;
}

/* A milestone at *at, which moves on. False with a diag when it is none. */
static bool read_milestone(struct search_plan *p, const char **at, const char *end, struct diag *d)
{
    struct search_milestone m = {0};
    size_t bytes;
    double cost;
    int used = 0;
    if (sscanf(*at, "after %" SCNu64 " cost %la bytes %zu\n%n", &m.after, &cost, &bytes, &used) != 3 ||
        !used || (*at)[used - 1] != '\n' || bytes > (size_t)(end - *at) - (size_t)used || isnan(cost))
        return false;
    *at += used;
    if (bytes && tuning_read(*at, bytes, "", p->title, &m.best, d) != ST_OK)
        return false;
    *at += bytes;
    m.best.cost = bytes ? cost : 0;
    const bool order = p->history.n ? m.after > p->history.at[p->history.n - 1].after && bytes : true;
    if (order && m.after <= p->merged && vec_push(&p->history, m))
        return true;
    tuning_free(&m.best);
    return false;
}

static bool read_rest(struct search_plan *p, const char *at, const char *end, double *there, struct diag *d)
{
    size_t milestones;
    int used = 0;
    if (sscanf(at, "there %la\nmerged %" SCNu64 " searched %" SCNu64 " milestones %zu\n%n", there, &p->merged,
               &p->searched, &milestones, &used) != 4 ||
        !used || p->merged > p->units || p->searched > p->evaluations || isnan(*there))
        return false;
    at += used;
    for (size_t i = 0; i < milestones; i++)
        if (!read_milestone(p, &at, end, d))
            return false;
    return milestones && p->history.at[0].after <= search_plan_seen(p, p->merged) && strcmp(at, "end\n") == 0;
}

enum status search_plan_load(struct search_plan *p, const char *path, bool fresh, double *there, bool *found,
                             struct diag *d)
{
    struct text same = {0};
    struct diag ignored;
    char *text;
    size_t size;
    *found = false;
    enum status status = file_read_text(path, MAX_FILE, &text, &size, d);
    if (status != ST_OK)
        return status;
    head(p, fresh, &same);
    if (!text_ok(&same)) {
        status = diag_set(d, ST_NOMEM, "out of memory for %s", path);
    } else if (strncmp(text, same.at, same.n) == 0) {
        search_plan_free(p);
        *found = read_rest(p, text + same.n, text + size, there, &ignored);
        if (!*found)
            status =
                diag_set(d, ST_INPUT, "%s: damaged; without it the search starts anew from its record", path);
    }
    text_free(&same);
    free(text);
    return status;
}
