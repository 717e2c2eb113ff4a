#include "builder/search/candidate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "builder/build.h"
#include "builder/search/search.h"

enum { TAIL = 12 };
static const float far_key = 1e9f;

enum status candidate_make(struct candidate *s, const struct search_kernel *k, uint32_t region,
                           struct diag *d)
{
    choices_begin(&s->choices);
    enum status status = k->make(k->context, &s->choices, &s->ir, d);
    if (status == ST_OK)
        status = build_check(s->ir, d);
    if (status == ST_OK && !(!s->choices.failed && sched_graph_init(&s->sched, s->ir, region) &&
                             schedule_init(&s->schedule, &s->sched) &&
                             (s->keys = malloc((s->sched.graph.nodes + 1u) * sizeof *s->keys))))
        status = diag_set(d, ST_NOMEM, "out of memory while scheduling");
    if (status != ST_OK)
        candidate_free(s);
    return status;
}

void candidate_free(struct candidate *s)
{
    schedule_free(&s->schedule);
    sched_graph_free(&s->sched);
    ir_destroy(s->ir);
    choices_free(&s->choices);
    free(s->keys);
    *s = (struct candidate){0};
}

static const struct ir_tag *tag(const struct candidate *s, uint32_t node)
{
    return &s->ir->ops.at[s->sched.graph.first_op + node].tag;
}

static bool shared(const struct candidate *s, uint32_t node)
{
    return node >= s->sched.graph.ops || tag(s, node)->strand == IR_SHARED;
}

/* The least key of a successor, less one. */
static void before_first_use(struct candidate *s, uint32_t node)
{
    const struct dep_graph *g = &s->sched.graph;
    s->keys[node] = far_key;
    for (uint32_t e = g->succ_at[node]; e < g->succ_at[node + 1]; e++)
        if (s->keys[node] > s->keys[g->succ[e].to] - 1)
            s->keys[node] = s->keys[g->succ[e].to] - 1;
}

void candidate_shared_keys(struct candidate *s)
{
    const struct dep_graph *g = &s->sched.graph;
    for (uint32_t i = 0; i < g->nodes; i++)
        if (shared(s, i))
            s->keys[i] = far_key;
    /* Edges lead to later ops or to fences; what follows a fence is later again. */
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = g->nodes; i-- > g->ops;)
            before_first_use(s, i);
        for (uint32_t i = g->ops; i-- > 0;)
            if (shared(s, i))
                before_first_use(s, i);
    }
}

bool candidate_first_keys(struct candidate *s, float stagger, float pace)
{
    const struct dep_graph *g = &s->sched.graph;
    uint32_t *depth = calloc(g->nodes + 1u, sizeof *depth);
    if (!depth)
        return false;
    for (uint32_t i = 0; i < g->ops; i++) {
        for (uint32_t e = g->pred_at[i]; e < g->pred_at[i + 1]; e++) {
            const uint32_t p = g->pred[e].to;
            const uint32_t wait = sched_wait(&s->sched, p, &g->pred[e]);
            if (!shared(s, p) && depth[i] < depth[p] + wait)
                depth[i] = depth[p] + wait;
        }
        s->keys[i] = (float)tag(s, i)->strand * stagger + (float)depth[i] * pace;
    }
    free(depth);
    candidate_shared_keys(s);
    return true;
}

/* Ops of each strand's each round, in order: bucket b holds order[at[b] .. at[b+1]). */
struct buckets {
    uint32_t n, rounds;
    uint32_t *at, *order;
};

static bool make_buckets(struct buckets *b, const struct candidate *s, uint32_t strands, uint32_t rounds)
{
    const uint32_t ops = s->sched.graph.ops;
    b->n = strands * rounds;
    b->rounds = rounds;
    b->at = calloc(b->n + 2u, sizeof *b->at);
    b->order = malloc((ops + 1u) * sizeof *b->order);
    if (!b->at || !b->order)
        return false;
    for (uint32_t i = 0; i < ops; i++)
        if (!shared(s, i))
            b->at[tag(s, i)->strand * rounds + tag(s, i)->round + 2]++;
    for (uint32_t k = 2; k < b->n + 2; k++)
        b->at[k] += b->at[k - 1];
    for (uint32_t i = 0; i < ops; i++)
        if (!shared(s, i))
            b->order[b->at[tag(s, i)->strand * rounds + tag(s, i)->round + 1]++] = i;
    return true;
}

static void extent(const struct candidate *s, uint32_t *strands, uint32_t *rounds)
{
    for (uint32_t i = 0; i < s->sched.graph.ops; i++) {
        if (shared(s, i))
            continue;
        if (tag(s, i)->strand >= *strands)
            *strands = tag(s, i)->strand + 1u;
        if (tag(s, i)->round >= *rounds)
            *rounds = tag(s, i)->round + 1u;
    }
}

bool candidate_take_keys(struct candidate *s, const struct candidate *from)
{
    uint32_t strands = 0, rounds = 1;
    extent(s, &strands, &rounds);
    extent(from, &strands, &rounds);
    struct buckets to = {0}, old = {0};
    const bool good = make_buckets(&to, s, strands, rounds) && make_buckets(&old, from, strands, rounds);
    for (uint32_t k = 0; good && k < to.n; k++) {
        const uint32_t n = to.at[k + 1] - to.at[k], m = old.at[k + 1] - old.at[k];
        for (uint32_t j = 0; j < n; j++)
            s->keys[to.order[to.at[k] + j]] =
                m ? from->keys[old.order[old.at[k] + (uint64_t)j * m / n]] : far_key;
    }
    free(to.at);
    free(to.order);
    free(old.at);
    free(old.order);
    if (good)
        candidate_shared_keys(s);
    return good;
}

static double cost_of(const struct candidate *s)
{
    const struct schedule *x = &s->schedule;
    uint32_t late = 0;
    for (uint32_t i = 0; i < s->sched.graph.ops; i++)
        late += x->finish[i] + TAIL > x->length;
    return x->length + (double)late / (late + 500.0);
}

static bool run(struct candidate *s, bool reversed, const float *keys)
{
    s->options.reversed = reversed;
    const bool good = schedule_run(&s->schedule, &s->sched, keys, &s->options);
    s->options.reversed = false;
    return good;
}

bool candidate_evaluate(struct candidate *s, unsigned passes)
{
    const uint32_t n = s->sched.graph.nodes;
    float *keys = malloc((n + 1u) * sizeof *keys);
    if (!keys || !run(s, false, s->keys))
        return free(keys), false;
    s->cost = cost_of(s);
    bool good = true, newest_is_best = true;
    for (unsigned p = 0; good && p < passes; p++) {
        for (uint32_t i = 0; i < n; i++)
            keys[i] = -(float)s->schedule.finish[i];
        good = run(s, true, keys);
        for (uint32_t i = 0; i < n; i++)
            keys[i] = -(float)s->schedule.finish[i];
        good = good && run(s, false, keys);
        newest_is_best = cost_of(s) <= s->cost;
        if (newest_is_best) {
            memcpy(s->keys, keys, n * sizeof *keys);
            s->cost = cost_of(s);
        }
    }
    free(keys);
    return good && (newest_is_best || run(s, false, s->keys));
}

/* --- balance ----------------------------------------------------------------------------- */

enum { ROW = 4, PASSES = 20, SAMPLES = 6 };

/* Engines that share work stand side by side (alu, valu, flow, load), and how full
 * good schedules get them: the last two wait while a kernel fills and drains. */
static const struct {
    enum isa_engine engine;
    double full;
} row[ROW] = {{ENGINE_ALU, 0.995}, {ENGINE_VALU, 0.995}, {ENGINE_FLOW, 0.978}, {ENGINE_LOAD, 0.970}};

void balance_count(const struct ir *ir, struct balance_work *w)
{
    memset(w, 0, sizeof *w);
    for (size_t i = 0; i < ir->ops.n; i++) {
        const struct ir_op *op = &ir->ops.at[i];
        const unsigned units = sched_units(op);
        w->by_units[units] += units == 1u << ENGINE_ALU ? op->lanes : 1;
    }
}

static bool fits(const struct isa_machine *machine, const struct balance_work *w, double cycles)
{
    double rest = 0; /* of what is shared with the engine before */
    for (unsigned i = 0; i < ROW; i++) {
        const unsigned one = 1u << row[i].engine;
        double capacity =
            cycles * machine->slots[row[i].engine] * row[i].full - (double)w->by_units[one] - rest;
        if (capacity < 0)
            return false;
        if (i == 0)
            capacity /= machine->vlen;
        const double shared = i + 1 < ROW ? (double)w->by_units[one | 1u << row[i + 1].engine] : 0;
        rest = shared > capacity ? shared - capacity : 0;
    }
    return (double)w->by_units[1u << ENGINE_STORE] <= cycles * machine->slots[ENGINE_STORE];
}

double balance_cycles(const struct isa_machine *machine, const struct balance_work *w)
{
    double low = 0, high = 1;
    while (!fits(machine, w, high) && high < 1e12)
        high *= 2;
    for (unsigned i = 0; i < 40; i++) {
        const double mid = (low + high) / 2;
        if (fits(machine, w, mid))
            high = mid;
        else
            low = mid;
    }
    return high;
}

/* The work with question q answered by o; `same` is whether the same is asked then. */
static enum status measure(const struct search_kernel *k, const struct choices *c, size_t q, unsigned o,
                           struct balance_work *w, bool *same, struct diag *d)
{
    struct choices other = {.failed = false};
    struct ir *ir = NULL;
    enum status status = choices_copy(&other, c) ? ST_OK : diag_set(d, ST_NOMEM, "out of memory");
    if (status == ST_OK) {
        if (q < other.pick.n)
            other.pick.at[q] = (uint8_t)o;
        choices_begin(&other);
        status = k->make(k->context, &other, &ir, d);
    }
    if (status == ST_OK) {
        balance_count(ir, w);
        *same = other.question.n == c->question.n;
    }
    ir_destroy(ir);
    choices_free(&other);
    return status;
}

static void add(struct balance_work *w, const struct balance_work *x, float sign)
{
    for (unsigned u = 0; u < BALANCE_MASKS; u++)
        w->by_units[u] += sign * x->by_units[u];
}

static const struct question *asked(const struct choices *c, size_t q)
{
    return &c->question.at[q];
}

/* Adds up, at one place, what each answer does against option 0. */
static enum status measure_place(struct balance *m, const struct search_kernel *k, const struct choices *c,
                                 size_t q, struct diag *d)
{
    struct balance_work zero = {{0}};
    for (unsigned o = 0; o < asked(c, q)->options; o++) {
        struct balance_work w;
        bool same = true;
        const enum status status = measure(k, c, q, o, &w, &same, d);
        if (status != ST_OK)
            return status;
        m->fixed[asked(c, q)->kind] |= !same;
        if (o == 0)
            zero = w;
        add(&m->delta[asked(c, q)->kind][o], &w, 1.0f / SAMPLES);
        add(&m->delta[asked(c, q)->kind][o], &zero, -1.0f / SAMPLES);
    }
    return ST_OK;
}

/* One kind at places spread over the kernel. */
static enum status measure_kind(struct balance *m, const struct search_kernel *k, const struct choices *c,
                                unsigned kind, struct diag *d)
{
    size_t n = 0;
    for (size_t q = 0; q < c->question.n; q++)
        n += asked(c, q)->kind == kind;
    enum status status = ST_OK;
    for (unsigned i = 0; n && i < SAMPLES && status == ST_OK; i++) {
        size_t skip = (2 * i + 1) * n / (2 * SAMPLES), q = 0;
        while (asked(c, q)->kind != kind || skip-- > 0)
            q++;
        status = measure_place(m, k, c, q, d);
    }
    return status;
}

/* Random answers to all questions but those that change what else is asked. */
static void scatter(const struct balance *m, struct choices *c, struct rng *rng)
{
    for (size_t q = 0; q < c->question.n; q++)
        if (!m->fixed[asked(c, q)->kind])
            c->pick.at[q] = (uint8_t)rng_below(rng, asked(c, q)->options);
}

enum status balance_measure(struct balance *m, const struct search_kernel *k, const struct choices *c,
                            struct rng *rng, struct diag *d)
{
    *m = (struct balance){.base = {{0}}};
    enum status status = choices_copy(&m->choices, c) ? ST_OK : diag_set(d, ST_NOMEM, "out of memory");
    /* Twice: first to see which kinds are fixed. */
    for (unsigned round = 0; round < 2 && status == ST_OK; round++) {
        memset(m->delta, 0, sizeof m->delta);
        for (unsigned kind = 0; kind < CHOICE_KINDS && status == ST_OK; kind++)
            status = measure_kind(m, k, &m->choices, kind, d);
        if (round == 0)
            scatter(m, &m->choices, rng);
    }
    bool same;
    if (status == ST_OK)
        status = measure(k, &m->choices, SIZE_MAX, 0, &m->base, &same, d);
    if (status != ST_OK)
        balance_free(m);
    return status;
}

void balance_free(struct balance *m)
{
    choices_free(&m->choices);
}

/* The best answer to one question; whether it is another than before. */
static bool improve(const struct balance *m, const struct isa_machine *machine, struct choices *c, size_t q,
                    struct balance_work *total)
{
    const struct balance_work *delta = m->delta[asked(c, q)->kind];
    unsigned best = c->pick.at[q];
    add(total, &delta[best], -1);
    double least = 0;
    for (unsigned n = 0; n < asked(c, q)->options; n++) {
        /* The present answer first: another must be better. */
        const unsigned o = (c->pick.at[q] + n) % asked(c, q)->options;
        struct balance_work w = *total;
        add(&w, &delta[o], 1);
        const double cycles = balance_cycles(machine, &w);
        if (n == 0 || cycles < least - 1e-4) {
            least = cycles;
            best = o;
        }
    }
    add(total, &delta[best], 1);
    const bool changed = best != c->pick.at[q];
    c->pick.at[q] = (uint8_t)best;
    return changed;
}

static size_t common_factor(size_t a, size_t b)
{
    while (b) {
        const size_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

void balance_answers(const struct balance *m, const struct isa_machine *machine, struct choices *c,
                     struct rng *rng)
{
    const size_t n = m->choices.question.n;
    struct balance_work total = m->base;
    for (size_t q = 0; q < n; q++) {
        const unsigned kind = asked(c, q)->kind;
        if (m->fixed[kind] && c->pick.at[q] != m->choices.pick.at[q])
            return;
        add(&total, &m->delta[kind][m->choices.pick.at[q]], -1);
        add(&total, &m->delta[kind][c->pick.at[q]], 1);
    }
    bool changed = n > 0;
    for (unsigned pass = 0; changed && pass < PASSES; pass++) {
        changed = false;
        /* A walk through all questions in a scattered order: a step without a common
         * factor with their number. */
        size_t step = rng_below(rng, (uint32_t)n) + 1;
        while (common_factor(step, n) != 1)
            step++;
        for (size_t i = 0, q = rng_below(rng, (uint32_t)n); i < n; i++, q = (q + step) % n)
            if (!m->fixed[asked(c, q)->kind])
                changed = improve(m, machine, c, q, &total) || changed;
    }
}

/* --- mutate ------------------------------------------------------------------------------ */

void move_draw_choices(struct choices *c, const struct balance *m, bool all, struct rng *rng)
{
    double weight[CHOICE_KINDS][CHOICE_OPTIONS];
    for (unsigned k = 0; k < CHOICE_KINDS; k++)
        for (unsigned o = 0; o < CHOICE_OPTIONS; o++) {
            const double u = rng_unit(rng);
            weight[k][o] = u * u; /* uneven: most of a kind should agree */
        }
    for (size_t i = 0; i < c->question.n; i++) {
        if (!all && m->fixed[c->question.at[i].kind])
            continue;
        const double *w = weight[c->question.at[i].kind];
        double sum = 0;
        for (unsigned o = 0; o < c->question.at[i].options; o++)
            sum += w[o];
        double u = rng_unit(rng) * sum;
        unsigned o = 0;
        while (o + 1u < c->question.at[i].options && (u -= w[o]) > 0)
            o++;
        c->pick.at[i] = (uint8_t)o;
    }
}

bool move_flip(struct choices *c, struct rng *rng)
{
    const uint32_t n = (uint32_t)c->question.n;
    if (!n)
        return false;
    for (unsigned k = 1 + rng_below(rng, 3); k > 0; k--) {
        const uint32_t i = rng_below(rng, n);
        c->pick.at[i] = (uint8_t)rng_below(rng, c->question.at[i].options);
    }
    return true;
}

static const struct ir_tag *tags(const struct candidate *s, uint32_t node)
{
    return &s->ir->ops.at[s->sched.graph.first_op + node].tag;
}

struct extent candidate_extent(const struct candidate *s)
{
    struct extent x = {0, 1};
    for (uint32_t i = 0; i < s->sched.graph.ops; i++) {
        if (tags(s, i)->strand == IR_SHARED)
            continue;
        if (tags(s, i)->strand >= x.strands)
            x.strands = tags(s, i)->strand + 1u;
        if (tags(s, i)->round >= x.rounds)
            x.rounds = tags(s, i)->round + 1u;
    }
    return x;
}

/* Keys stay multiples of a unit, so that a tuning holds them exactly. */
static float rounded(double key)
{
    return (float)nearbyint(key / (double)SEARCH_UNIT) * SEARCH_UNIT;
}

/* One strand, from some round on, goes earlier or later. */
static void shift_strand(struct candidate *s, struct rng *rng, double heat, struct extent x)
{
    const uint32_t strand = rng_below(rng, x.strands);
    const uint32_t from = rng_below(rng, 2) ? rng_below(rng, x.rounds) : 0;
    const double by = (rng_unit(rng) - 0.5) * (4 + 56 * heat);
    for (uint32_t i = 0; i < s->sched.graph.ops; i++)
        if (tags(s, i)->strand == strand && tags(s, i)->round >= from)
            s->keys[i] = rounded(s->keys[i] + by);
}

/* One strand is stretched or squeezed about its middle. */
static void stretch_strand(struct candidate *s, struct rng *rng, struct extent x)
{
    const uint32_t strand = rng_below(rng, x.strands);
    const double scale = 0.8 + 0.4 * rng_unit(rng);
    double sum = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->sched.graph.ops; i++)
        if (tags(s, i)->strand == strand) {
            sum += s->keys[i];
            n++;
        }
    for (uint32_t i = 0; i < s->sched.graph.ops; i++)
        if (tags(s, i)->strand == strand)
            s->keys[i] = rounded(sum / n + (s->keys[i] - sum / n) * scale);
}

/* Noise on the keys of what is scheduled in a window of time. */
static void shake_window(struct candidate *s, struct rng *rng)
{
    const double at = rng_unit(rng) * s->schedule.length, width = 10 + rng_unit(rng) * 150;
    const double by = 1 + 8 * rng_unit(rng);
    for (uint32_t i = 0; i < s->sched.graph.ops; i++)
        if (s->schedule.start[i] >= at && s->schedule.start[i] < at + width)
            s->keys[i] = rounded(s->keys[i] + by * 2 * (rng_unit(rng) - 0.5));
}

void move_keys(struct candidate *s, struct rng *rng, double heat)
{
    const struct extent x = candidate_extent(s);
    const uint32_t which = x.strands ? rng_below(rng, 64) : 50;
    if (which < 30)
        shift_strand(s, rng, heat, x);
    else if (which < 40)
        stretch_strand(s, rng, x);
    else if (which < 60)
        shake_window(s, rng);
    else {
        s->options.flow_bias = rounded(rng_unit(rng) * 400);
        s->options.valu_bias = rounded((rng_unit(rng) - 0.3) * 10);
    }
}
