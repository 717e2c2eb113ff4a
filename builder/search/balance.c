#include "builder/search/balance.h"

#include <string.h>

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
