#include "builder/search/candidate.h"

#include <stdlib.h>
#include <string.h>

#include "builder/build.h"

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
