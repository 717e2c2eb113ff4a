#include "builder/search/search.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "builder/search/candidate.h"
#include "sim/base/clock.h"

enum { EPOCH = 40, MAX_DRAWS = 40, MAX_THREADS = 64 };

struct island {
    const struct search_kernel *kernel;
    const struct search_options *o;
    const struct balance *mix; /* of the kernel, for fresh starts */
    struct rng rng;
    struct candidate cur;
    struct tuning best; /* the best of this island */
    uint64_t done, budget, draws;
    bool fresh; /* starts from nothing */
    uint32_t live_limit;
    enum status status;
    struct diag why;
};

struct search_options search_default_options(void)
{
    return (struct search_options){.seed = 1, .evaluations = 2000, .islands = 4, .threads = 2};
}

/* --- a state's way into and out of a tuning ---------------------------------- */

bool tuning_of(struct tuning *t, const struct candidate *s)
{
    const uint32_t n = s->sched.graph.nodes;
    t->pick.n = t->keys.n = 0;
    if (!vec_reserve(&t->pick, s->choices.pick.n) || !vec_reserve(&t->keys, n))
        return false;
    for (size_t i = 0; i < s->choices.pick.n; i++)
        t->pick.at[t->pick.n++] = s->choices.pick.at[i];
    for (uint32_t i = 0; i < n; i++)
        t->keys.at[t->keys.n++] = (int32_t)lrintf(s->keys[i] / SEARCH_UNIT);
    t->options = s->options;
    t->cycles = s->schedule.length;
    t->cost = s->cost;
    return true;
}

bool tuning_copy(struct tuning *t, const struct tuning *from)
{
    t->pick.n = t->keys.n = 0;
    if (!vec_reserve(&t->pick, from->pick.n) || !vec_reserve(&t->keys, from->keys.n))
        return false;
    for (size_t i = 0; i < from->pick.n; i++)
        t->pick.at[t->pick.n++] = from->pick.at[i];
    for (size_t i = 0; i < from->keys.n; i++)
        t->keys.at[t->keys.n++] = from->keys.at[i];
    t->options = from->options;
    t->cycles = from->cycles;
    t->cost = from->cost;
    return true;
}

void tuning_free(struct tuning *t)
{
    vec_free(&t->pick);
    vec_free(&t->keys);
    *t = (struct tuning){0};
}

enum status tuning_replay(const struct tuning *t, const struct search_kernel *k, uint32_t region,
                          struct candidate *out, struct diag *d)
{
    *out = (struct candidate){.options = t->options};
    bool good = true;
    for (size_t i = 0; good && i < t->pick.n; i++)
        good = vec_push(&out->choices.pick, t->pick.at[i]);
    if (!good) {
        candidate_free(out);
        return diag_set(d, ST_NOMEM, "out of memory");
    }
    const enum status status = candidate_make(out, k, region, d);
    if (status != ST_OK)
        return status;
    if (out->sched.graph.nodes != t->keys.n) {
        const uint32_t nodes = out->sched.graph.nodes;
        candidate_free(out);
        return diag_set(d, ST_INPUT, "the tuning is for another kernel: it has %zu keys, expected %u",
                        t->keys.n, nodes);
    }
    for (size_t i = 0; i < t->keys.n; i++)
        out->keys[i] = (float)t->keys.at[i] * SEARCH_UNIT;
    if (candidate_evaluate(out, 0))
        return ST_OK;
    candidate_free(out);
    return diag_set(d, ST_NOMEM, "out of memory while scheduling");
}

/* --- one island -------------------------------------------------------------- */

static void fail(struct island *x, enum status status, const char *text)
{
    if (x->status == ST_OK)
        x->status = diag_set(&x->why, status, "%s", text);
}

static void keep_best(struct island *x)
{
    if (x->best.cycles && x->cur.cost >= x->best.cost)
        return;
    if (!tuning_of(&x->best, &x->cur))
        fail(x, ST_NOMEM, "out of memory while searching");
}

/* A first state: choices by a distribution, strands by a stagger. */
static void draw(struct island *x)
{
    struct candidate s = {0};
    x->done++;
    /* The kernel's own answers first, then others; those that decide what else is
     * asked only now and then. */
    if (!choices_copy(&s.choices, &x->mix->choices)) {
        choices_free(&s.choices);
        fail(x, ST_NOMEM, "out of memory while searching");
        return;
    }
    if (x->done > 1)
        move_draw_choices(&s.choices, x->mix, rng_below(&x->rng, 4) == 0, &x->rng);
    balance_answers(x->mix, &x->cur.ir->machine, &s.choices, &x->rng);
    x->status = candidate_make(&s, x->kernel, x->o->region, &x->why);
    if (x->status != ST_OK)
        return;
    s.options = sched_default_options(s.ir);
    s.options.live_limit = x->live_limit;
    s.options.flow_bias = 300;
    s.options.ahead = rng_below(&x->rng, 2) ? 0.5f : 0;
    const struct extent e = candidate_extent(&s);
    /* Strands one after the other, so far apart that the last one ends with the work. */
    struct balance_work total;
    balance_count(s.ir, &total);
    const double apart = e.strands ? balance_cycles(&s.ir->machine, &total) / e.strands : 0;
    const double urgency = 1.5 + 4 * rng_unit(&x->rng);
    const bool good =
        candidate_first_keys(&s, (float)(apart * (0.55 + 0.5 * rng_unit(&x->rng))), (float)urgency);
    if (!good || !candidate_evaluate(&s, 2)) {
        fail(x, ST_NOMEM, "out of memory while searching");
        candidate_free(&s);
        return;
    }
    if (x->cur.cost <= s.cost) {
        candidate_free(&s);
        return;
    }
    candidate_free(&x->cur);
    x->cur = s;
    keep_best(x);
}

/* Other decisions: a new state with keys taken over, or the old one kept. */
static void step_choices(struct island *x, double temperature)
{
    struct candidate s = {.options = x->cur.options};
    if (!choices_copy(&s.choices, &x->cur.choices)) {
        choices_free(&s.choices);
        fail(x, ST_NOMEM, "out of memory while searching");
        return;
    }
    (void)move_flip(&s.choices, &x->rng);
    x->status = candidate_make(&s, x->kernel, x->o->region, &x->why);
    if (x->status != ST_OK)
        return;
    if (!candidate_take_keys(&s, &x->cur) || !candidate_evaluate(&s, 1)) {
        fail(x, ST_NOMEM, "out of memory while searching");
        candidate_free(&s);
        return;
    }
    if (s.cost > x->cur.cost && rng_unit(&x->rng) >= exp((x->cur.cost - s.cost) / temperature)) {
        candidate_free(&s);
        return;
    }
    candidate_free(&x->cur);
    x->cur = s;
    keep_best(x);
}

/* Other keys, or the old ones put back. */
static void step_keys(struct island *x, double temperature, double heat)
{
    const size_t bytes = (x->cur.sched.graph.nodes + 1u) * sizeof(float);
    float *before = malloc(bytes);
    if (!before) {
        fail(x, ST_NOMEM, "out of memory while searching");
        return;
    }
    memcpy(before, x->cur.keys, bytes);
    const struct sched_options options = x->cur.options;
    const double cost = x->cur.cost;
    move_keys(&x->cur, &x->rng, heat);
    if (!candidate_evaluate(&x->cur, 1))
        fail(x, ST_NOMEM, "out of memory while searching");
    if (x->cur.cost > cost && rng_unit(&x->rng) >= exp((cost - x->cur.cost) / temperature)) {
        memcpy(x->cur.keys, before, bytes);
        x->cur.options = options;
        x->cur.cost = cost;
    } else {
        keep_best(x);
    }
    free(before);
}

static bool stopped(const struct search_options *o)
{
    return o->stopped && o->stopped(o->context);
}

static void epoch(struct island *x)
{
    for (unsigned i = 0; i < EPOCH && x->done < x->budget && x->status == ST_OK && !stopped(x->o); i++) {
        if (x->fresh && x->done < x->draws) {
            draw(x);
            continue;
        }
        const double rest = 1 - (double)x->done / (double)x->budget;
        const double temperature = (x->fresh ? 1.0 : 0.3) * rest * rest + 0.01;
        x->done++;
        if (x->cur.choices.question.n && rng_below(&x->rng, 100) < 35)
            step_choices(x, temperature);
        else
            step_keys(x, temperature, rest);
    }
}

/* --- all of them ------------------------------------------------------------- */

struct worker {
    struct island *islands;
    unsigned first, step, n;
};

static void *work(void *argument)
{
    const struct worker *w = argument;
    for (unsigned i = w->first; i < w->n; i += w->step)
        epoch(&w->islands[i]);
    return NULL;
}

static void run_epoch(struct island *islands, unsigned n, unsigned threads)
{
    struct worker worker[MAX_THREADS] = {{islands, 0, 1, n}};
    pthread_t thread[MAX_THREADS];
    bool started[MAX_THREADS] = {false};
    if (threads > n)
        threads = n;
    for (unsigned t = 0; t < threads; t++)
        worker[t] = (struct worker){islands, t, threads, n};
    for (unsigned t = 1; t < threads; t++)
        started[t] = pthread_create(&thread[t], NULL, work, &worker[t]) == 0;
    (void)work(&worker[0]);
    for (unsigned t = 1; t < threads; t++)
        if (started[t])
            (void)pthread_join(thread[t], NULL);
        else
            (void)work(&worker[t]);
}

/* Offers the islands' results; what cannot be used is forgotten, and the island goes
 * on with fewer live words. */
static enum status collect(struct island *islands, const struct search_options *o, struct tuning *best,
                           struct diag *d)
{
    for (unsigned i = 0; i < o->islands; i++) {
        struct island *x = &islands[i];
        if (x->status != ST_OK) {
            *d = x->why;
            return x->status;
        }
        if (!x->best.cycles || (best->cycles && x->best.cost >= best->cost))
            continue;
        struct candidate s;
        const enum status status = tuning_replay(&x->best, x->kernel, o->region, &s, d);
        if (status != ST_OK)
            return status;
        const bool good = !o->accept || o->accept(o->context, &s);
        candidate_free(&s);
        if (good && !tuning_copy(best, &x->best))
            return diag_set(d, ST_NOMEM, "out of memory while searching");
        if (!good) {
            x->best.cycles = 0;
            x->live_limit -= x->live_limit / 64;
            x->cur.options.live_limit = x->live_limit;
            if (x->cur.ir && !candidate_evaluate(&x->cur, 1))
                return diag_set(d, ST_NOMEM, "out of memory while searching");
        }
    }
    return ST_OK;
}

/* The worst island goes on from the best result. */
static enum status exchange(struct island *islands, const struct search_options *o, const struct tuning *best,
                            struct diag *d)
{
    struct island *worst = &islands[0];
    for (unsigned i = 1; i < o->islands; i++)
        if (islands[i].cur.cost > worst->cur.cost)
            worst = &islands[i];
    if (o->islands < 2 || !best->cycles || worst->cur.cost <= best->cost)
        return ST_OK;
    struct candidate s;
    const enum status status = tuning_replay(best, worst->kernel, o->region, &s, d);
    if (status == ST_OK) {
        candidate_free(&worst->cur);
        worst->cur = s;
    }
    return status;
}

static enum status start(struct island *islands, const struct search_kernel *k,
                         const struct search_options *o, struct tuning *best, struct balance *mix,
                         struct diag *d)
{
    for (unsigned i = 0; i < o->islands; i++) {
        struct island *x = &islands[i];
        *x = (struct island){
            .kernel = k, .o = o, .mix = mix, .rng = {o->seed * 1000003 + i}, .fresh = !best->cycles};
        x->budget = o->evaluations / o->islands + (i < o->evaluations % o->islands);
        x->draws = x->budget / 8 + 1 < MAX_DRAWS ? x->budget / 8 + 1 : MAX_DRAWS;
        /* The questions are known after one build; so is the scratch. */
        const enum status status = best->cycles ? tuning_replay(best, k, o->region, &x->cur, d)
                                                : candidate_make(&x->cur, k, o->region, d);
        if (status != ST_OK)
            return status;
        if (x->fresh && i == 0 && balance_measure(mix, k, &x->cur.choices, &x->rng, d) != ST_OK)
            return ST_NOMEM;
        if (x->fresh) {
            x->cur.cost = INFINITY;
        } else {
            best->cost = x->cur.cost;
            best->cycles = x->cur.schedule.length;
        }
        x->live_limit = x->fresh ? x->cur.ir->machine.scratch - x->cur.ir->machine.scratch / 16
                                 : best->options.live_limit;
    }
    return ST_OK;
}

static enum status search(struct island *islands, const struct search_options *o, struct tuning *best,
                          struct diag *d)
{
    const double begun = clock_now();
    unsigned epochs = 0;
    for (;;) {
        run_epoch(islands, o->islands,
                  o->threads < 1             ? 1
                  : o->threads > MAX_THREADS ? MAX_THREADS
                                             : o->threads);
        enum status status = collect(islands, o, best, d);
        if (status == ST_OK && ++epochs % 4 == 0)
            status = exchange(islands, o, best, d);
        if (status != ST_OK)
            return status;
        struct search_progress p = {
            .budget = o->evaluations, .cycles = best->cycles, .seconds = clock_now() - begun};
        for (unsigned i = 0; i < o->islands; i++)
            p.evaluations += islands[i].done;
        const bool go_on = !o->progress || o->progress(o->context, &p);
        if (!go_on || p.evaluations >= p.budget || stopped(o))
            return ST_OK;
    }
}

enum status search_run(const struct search_kernel *k, const struct search_options *o, struct tuning *best,
                       struct diag *d)
{
    struct diag ignored;
    if (!d)
        d = &ignored;
    if (!o->islands || o->evaluations < o->islands)
        return diag_set(d, ST_INPUT, "a search needs an island, and an evaluation for each");
    struct island *islands = calloc(o->islands, sizeof *islands);
    if (!islands)
        return diag_set(d, ST_NOMEM, "out of memory");
    struct balance mix = {.base = {{0}}};
    enum status status = start(islands, k, o, best, &mix, d);
    if (status == ST_OK)
        status = search(islands, o, best, d);
    for (unsigned i = 0; i < o->islands; i++) {
        candidate_free(&islands[i].cur);
        tuning_free(&islands[i].best);
    }
    free(islands);
    balance_free(&mix);
    return status;
}
