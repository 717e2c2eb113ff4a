#include "builder/optimize/optimize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/build.h"
#include "builder/passes/bound.h"
#include "builder/passes/compact.h"
#include "builder/passes/verify.h"

/* With more operations fewer starts are tried, and no bounds are asked. */
enum { MANY_OPS = 60000, MAX_ISLANDS = 4 };

/* How words are kept few, one way after the other until all values find their places: how far ops may
 * move up from where they were; then list schedules, by the live words in hundredths of scratch and those
 * left free for each cycle that an op is issued early. Of long programs only the first MANY_WAYS. */
static const struct way {
    struct compact_window window;
    uint8_t live; /* 0: the window says it all */
    float ahead;
} ways[] = {{{1, 0}, 100, 0}, {{0.3f, 60}, 0, 0}, {{0.1f, 30}, 0, 0}, {{0.02f, 8}, 0, 0},
            {{0, 0}, 100, 1}, {{0, 0}, 96, 16},   {{0, 0}, 90, 0},    {{0, 0}, 75, 16},
            {{0, 0}, 60, 0},  {{0, 0}, 40, 0},    {{0, 0}, 1, 0}};

enum { WAYS = sizeof ways / sizeof *ways, MANY_WAYS = 4 };

struct work {
    const struct prog *p;
    const struct optimize_options *o;
    struct optimized *out;
    struct lift_options lift; /* as asked, but where pauses have to be exits */
    struct lifted lifted;
    struct emitted best;
    uint32_t best_bundles;
    struct diag *d;
};

struct optimize_options optimize_default_options(void)
{
    return (struct optimize_options){.fold = true, .number = true, .passes = 6, .seed = 1, .threads = 1};
}

static enum status no_memory(struct diag *d)
{
    return diag_set(d, ST_NOMEM, "out of memory while optimizing a program");
}

/* --- schedules ----------------------------------------------------------------------- */

/* A region's schedule in the making. */
struct start {
    struct candidate c; /* its ir is borrowed */
    struct schedule best;
    double cost;
};

/* Keys in the program's own order: an op has its bundle's number. */
static void own_keys(const struct candidate *c, float *keys)
{
    const struct dep_graph *g = &c->sched.graph;
    for (uint32_t i = 0; i < g->nodes; i++)
        keys[i] = i < g->ops ? (float)c->ir->ops.at[g->first_op + i].origin : 0;
}

static bool keep_better(struct start *s)
{
    if (s->cost >= 0 && s->c.cost >= s->cost)
        return true;
    const struct schedule t = s->best;
    s->best = s->c.schedule;
    s->c.schedule = t;
    s->cost = s->c.cost;
    return true;
}

/* The program's own schedule, moved together within the window. */
static bool try_own(struct start *s, const struct optimize_options *o, struct compact_window window)
{
    struct candidate *c = &s->c;
    const bool many = c->sched.graph.ops > MANY_OPS;
    if (!compact_schedule(&c->sched, window, many ? 2 : 2 * o->passes, &c->schedule))
        return false;
    c->cost = c->schedule.length;
    return keep_better(s);
}

/* List schedules: in the program's own order, and by the critical path. */
static bool try_lists(struct start *s, const struct optimize_options *o)
{
    static const float urgencies[] = {2, 0.5f};
    struct candidate *c = &s->c;
    const bool many = c->sched.graph.ops > MANY_OPS;
    for (int biased = 0; biased < (many ? 1 : 2); biased++) {
        c->options.flow_bias = biased ? 300 : 0;
        own_keys(c, c->keys);
        if (!candidate_evaluate(c, many ? 1 : o->passes) || !keep_better(s))
            return false;
        for (size_t i = 0; i < sizeof urgencies / sizeof *urgencies && !many; i++)
            if (!build_keys(&c->sched, urgencies[i], c->keys) || !candidate_evaluate(c, o->passes) ||
                !keep_better(s))
                return false;
    }
    return true;
}

/* The best so far, moved together: words are not counted. */
static bool try_again(struct start *s, const struct optimize_options *o)
{
    struct candidate *c = &s->c;
    if (!compact_again(&c->sched, &s->best, c->sched.graph.ops > MANY_OPS ? 1 : o->passes, &c->schedule))
        return false;
    c->cost = c->schedule.length;
    return keep_better(s);
}

static bool try_way(struct start *s, const struct optimize_options *o, const struct way *x)
{
    s->cost = -1;
    s->c.options.live_limit = (uint32_t)((uint64_t)s->c.ir->machine.scratch * x->live / 100);
    s->c.options.ahead = x->ahead;
    const bool moves = x->window.share > 0;
    return (!moves || try_own(s, o, x->window)) && (!x->live || try_lists(s, o)) &&
           (!moves || !x->live || try_again(s, o));
}

static bool start_region(const struct ir *ir, uint32_t region, struct start *s)
{
    *s = (struct start){.c = {.ir = (struct ir *)ir, .options = sched_default_options(ir)}};
    return sched_graph_init(&s->c.sched, ir, region) && schedule_init(&s->c.schedule, &s->c.sched) &&
           schedule_init(&s->best, &s->c.sched) &&
           (s->c.keys = malloc((s->c.sched.graph.nodes + 1u) * sizeof *s->c.keys));
}

static void free_start(struct start *s)
{
    s->c.ir = NULL;
    candidate_free(&s->c);
    schedule_free(&s->best);
}

/* Bounds of all regions, added up. */
static void add_bounds(struct work *w, const struct start *starts, size_t n)
{
    w->out->work = w->out->dep = 0;
    for (size_t r = 0; r < n; r++) {
        struct bound b;
        if (starts[r].c.sched.graph.ops > MANY_OPS || !bound_region(&starts[r].c.sched, &b))
            continue;
        w->out->work += b.work;
        w->out->dep += b.dep;
    }
}

/* Schedules all regions, one way after the other, until all values find their places. */
static enum status place(struct work *w, struct start *starts, size_t n, struct emitted *out, struct diag *d)
{
    const struct ir *ir = w->lifted.ir;
    const size_t most = ir->ops.n > MANY_OPS ? MANY_WAYS : WAYS;
    struct schedule *schedules = calloc(n + 1, sizeof *schedules);
    enum status status = schedules ? ST_LIMIT : ST_NOMEM;
    for (size_t i = 0; i < most && status == ST_LIMIT; i++) {
        bool good = true;
        for (size_t r = 0; good && r < n; r++) {
            good = try_way(&starts[r], w->o, &ways[i]);
            schedules[r] = starts[r].best;
        }
        status = good ? build_emit(ir, schedules, out, d) : no_memory(d);
    }
    free(schedules);
    return status;
}

/* The best program of the ir as it is now, if it is the best so far. */
static enum status schedule_step(struct work *w, const char *name)
{
    const struct ir *ir = w->lifted.ir;
    const size_t n = ir->regions.n;
    struct emitted e = {0};
    struct start *starts = calloc(n, sizeof *starts);
    bool good = starts != NULL;
    for (uint32_t r = 0; good && r < n; r++)
        good = start_region(ir, r, &starts[r]);
    const enum status status = good ? place(w, starts, n, &e, w->d) : no_memory(w->d);
    if (good)
        add_bounds(w, starts, n);
    for (size_t r = 0; starts && r < n; r++)
        free_start(&starts[r]);
    free(starts);
    if (status == ST_LIMIT) {
        (void)snprintf(w->out->why, sizeof w->out->why, "%s", w->d->text);
        return ST_OK;
    }
    if (status != ST_OK)
        return status;
    const uint32_t bundles = build_cycles(&e);
    w->out->step[w->out->steps++] = (struct optimize_step){name, (uint32_t)ir->ops.n, bundles};
    if (bundles < w->best_bundles) {
        emit_free(&w->best);
        w->best = e;
        w->best_bundles = bundles;
    } else {
        emit_free(&e);
    }
    return ST_OK;
}

/* --- search -------------------------------------------------------------------------- */

static enum status lift_again(const void *context, struct choices *choices, struct ir **out, struct diag *d)
{
    const struct work *w = context;
    struct lifted l;
    (void)choices;
    enum status status = lift_program(w->p, &w->lift, &l, d);
    if (status == ST_OK && w->o->fold)
        status = fold_ir(l.ir, NULL, d);
    if (status == ST_OK && w->o->number)
        status = number_ir(l.ir, NULL, d);
    if (status == ST_OK) {
        *out = l.ir;
        l.ir = NULL;
    }
    lifted_free(&l);
    return status;
}

/* A result counts once it has words and is verified. */
static bool accept_candidate(void *context, const struct candidate *s)
{
    struct work *w = context;
    struct emitted e;
    struct diag d;
    if (build_emit(s->ir, &s->schedule, &e, &d) != ST_OK)
        return false;
    const uint32_t bundles = build_cycles(&e);
    if (bundles < w->best_bundles) {
        emit_free(&w->best);
        w->best = e;
        w->best_bundles = bundles;
    } else {
        emit_free(&e);
    }
    return true;
}

/* The search begins with the program's own order. */
static enum status first_tuning(const struct work *w, const struct search_kernel *k, struct tuning *t)
{
    struct candidate c = {0};
    enum status status = candidate_make(&c, k, 0, w->d);
    if (status != ST_OK)
        return status;
    c.options = sched_default_options(c.ir);
    own_keys(&c, c.keys);
    if (!candidate_evaluate(&c, w->o->passes) || !tuning_of(t, &c))
        status = no_memory(w->d);
    candidate_free(&c);
    return status;
}

static bool tell(void *context, const struct search_progress *p)
{
    const struct work *w = context;
    return !w->o->progress || w->o->progress(w->o->context, p);
}

static enum status search_step(struct work *w)
{
    const struct search_kernel k = {w, lift_again};
    struct search_options so = search_default_options();
    struct tuning best = {.cycles = 0};
    so.seed = w->o->seed;
    so.evaluations = w->o->evaluations;
    so.threads = w->o->threads ? w->o->threads : 1;
    so.islands = MAX_ISLANDS;
    so.progress = tell;
    so.context = w;
    so.accept = accept_candidate;
    enum status status = first_tuning(w, &k, &best);
    if (status == ST_OK)
        status = search_run(&k, &so, &best, w->d);
    tuning_free(&best);
    if (status == ST_OK)
        w->out->step[w->out->steps++] =
            (struct optimize_step){"search", (uint32_t)w->lifted.ir->ops.n, w->best_bundles};
    return status;
}

/* --- pauses -------------------------------------------------------------------------- */

static bool has(const struct prog *p, uint32_t bundle, bool (*is)(enum isa_op))
{
    const struct prog_span s = prog_bundle_slots(p, bundle);
    for (uint32_t i = s.begin; i < s.end; i++)
        if (p->slots.at[i].op < ISA_OPS && is((enum isa_op)p->slots.at[i].op))
            return true;
    return false;
}

static uint32_t flow_slots(const struct prog *p, uint32_t bundle)
{
    uint32_t n = 0;
    const struct prog_span s = prog_bundle_slots(p, bundle);
    for (uint32_t i = s.begin; i < s.end; i++)
        n += p->slots.at[i].engine == ENGINE_FLOW;
    return n;
}

/* Where pauses go: `at[b]` of bundle b. Those before the first store to the first bundles with a
 * free slot, those after the last store to the last ones; *before and *after, in bundles of their own. */
static void place_pauses(const struct work *w, const struct prog *p, bool *at, uint32_t *before,
                         uint32_t *after)
{
    const uint32_t n = (uint32_t)p->bundles.n, slots = p->machine.slots[ENGINE_FLOW];
    uint32_t first = 0, last = n;
    *before = *after = 0;
    for (size_t i = 0; i < w->lifted.pauses.n; i++) {
        const uint32_t b = w->lifted.pauses.at[i];
        if (w->lifted.first_store == UINT32_MAX || b < w->lifted.first_store) {
            while (first < n && !has(p, first, isa_is_store) && flow_slots(p, first) >= slots)
                first++;
            if (first < n && !has(p, first, isa_is_store))
                at[first++] = true;
            else
                ++*before;
        } else if (b >= w->lifted.last_store) {
            uint32_t to = last;
            while (to > first && (flow_slots(p, to - 1) >= slots) && !has(p, to - 1, isa_is_store))
                to--;
            if (to > first && flow_slots(p, to - 1) < slots)
                at[(last = to - 1)] = true;
            else
                ++*after;
        }
    }
}

static bool copy_bundle(struct prog *to, const struct prog *from, uint32_t bundle, bool pause)
{
    static const struct isa_slot slot = {.op = OP_PAUSE, .engine = ENGINE_FLOW};
    const struct prog_span groups = prog_groups(from, bundle);
    bool good = prog_add_bundle(to, 0);
    for (uint32_t g = groups.begin; good && g < groups.end; g++) {
        const enum isa_engine engine = (enum isa_engine)from->groups.at[g].engine;
        const struct prog_span s = prog_slots(from, g);
        good = prog_add_group(to, engine);
        for (uint32_t i = s.begin; good && i < s.end; i++)
            good = prog_add_slot(to, from->slots.at[i]);
        if (good && pause && engine == ENGINE_FLOW) {
            good = prog_add_slot(to, slot);
            pause = false;
        }
    }
    return good && (!pause || (prog_add_group(to, ENGINE_FLOW) && prog_add_slot(to, slot)));
}

/* The program with the pauses that the one before had outside its stores; NULL when out of memory. */
static struct prog *with_pauses(const struct work *w, const struct prog *p, uint32_t *more)
{
    static const struct isa_slot slot = {.op = OP_PAUSE, .engine = ENGINE_FLOW};
    struct prog *out = prog_create();
    bool *at = calloc(p->bundles.n + 1, sizeof *at);
    bool good = out && at;
    uint32_t before = 0, after = 0;
    if (good) {
        place_pauses(w, p, at, &before, &after);
        out->machine = p->machine;
        out->object_form = p->object_form;
    }
    for (uint32_t i = 0; good && i < before; i++)
        good = prog_add_bundle(out, 0) && prog_add_group(out, ENGINE_FLOW) && prog_add_slot(out, slot);
    for (uint32_t b = 0; good && b < p->bundles.n; b++)
        good = copy_bundle(out, p, b, at[b]);
    for (uint32_t i = 0; good && i < after; i++)
        good = prog_add_bundle(out, 0) && prog_add_group(out, ENGINE_FLOW) && prog_add_slot(out, slot);
    free(at);
    *more = before + after;
    if (good)
        return out;
    prog_destroy(out);
    return NULL;
}

/* --- the whole ----------------------------------------------------------------------- */

static uint32_t costly_bundles(const struct prog *p)
{
    uint32_t n = 0;
    for (uint32_t b = 0; b < p->bundles.n; b++)
        n += prog_costs_cycle(p, b);
    return n;
}

/* Whether control does anything but run from the first bundle to the last. */
static bool branches(const struct prog *p)
{
    for (size_t i = 0; i < p->slots.n; i++) {
        const enum isa_op op = (enum isa_op)p->slots.at[i].op;
        if (p->slots.at[i].op < ISA_OPS && op != OP_PAUSE && (isa_is_control(op) || op == OP_TRACE_WRITE))
            return true;
    }
    return false;
}

static enum status lift(struct work *w, bool rename)
{
    lifted_free(&w->lifted);
    w->lift.rename = rename;
    const enum status status = lift_program(w->p, &w->lift, &w->lifted, w->d);
    return status == ST_OK ? build_check(w->lifted.ir, w->d) : status;
}

static enum status improve(struct work *w)
{
    enum status status = schedule_step(w, "re-scheduled, renamed");
    if (status == ST_OK && w->o->fold)
        status = fold_ir(w->lifted.ir, &w->out->folded, w->d);
    if (status == ST_OK && w->o->fold)
        status = schedule_step(w, "constants, copies, dead slots");
    if (status == ST_OK && w->o->number)
        status = number_ir(w->lifted.ir, &w->out->numbered, w->d);
    if (status == ST_OK && w->o->number)
        status = schedule_step(w, "repeated values");
    if (status == ST_OK && w->best_bundles >= w->out->bundles)
        status = lift(w, false);
    if (status == ST_OK && !w->lift.rename)
        status = schedule_step(w, "re-scheduled, not renamed");
    if (status == ST_OK && w->o->evaluations && w->lift.rename && w->lifted.ir->regions.n == 1)
        status = search_step(w);
    return status;
}

static enum status finish(struct work *w)
{
    struct optimized *x = w->out;
    uint32_t more = 0;
    struct prog *p = NULL;
    if (w->best.prog && (w->o->any || w->best_bundles < x->bundles)) {
        p = with_pauses(w, w->best.prog, &more);
        if (!p)
            return no_memory(w->d);
    }
    if (p && (w->o->any || w->best_bundles + more < x->bundles)) {
        x->prog = p;
        x->left = costly_bundles(p);
        x->why[0] = '\0';
        return ST_OK;
    }
    prog_destroy(p);
    if (!x->why[0])
        (void)snprintf(x->why, sizeof x->why, "no schedule of its operations was found that is shorter");
    return ST_OK;
}

enum status optimize_program(const struct prog *p, const struct optimize_options *o, struct optimized *out,
                             struct diag *d)
{
    *out = (struct optimized){.bundles = costly_bundles(p)};
    struct work w = {.p = p, .o = o, .out = out, .lift = o->lift, .best_bundles = UINT32_MAX, .d = d};
    w.lift.pause = o->lift.pause || branches(p);
    enum status status = lift(&w, true);
    if (status == ST_OK) {
        out->regions = (uint32_t)w.lifted.ir->regions.n;
        out->debug_slots = w.lifted.debug_slots;
        out->pauses = (uint32_t)w.lifted.pauses.n;
        out->proved = w.lifted.proved;
        out->given = w.lifted.given;
        out->unknown = w.lifted.unknown;
        out->step[out->steps++] =
            (struct optimize_step){"as written", (uint32_t)w.lifted.ir->ops.n, out->bundles};
        status = improve(&w);
    }
    if (status == ST_OK)
        status = finish(&w);
    lifted_free(&w.lifted);
    emit_free(&w.best);
    if (status != ST_OK)
        optimized_free(out);
    return status;
}

void optimized_free(struct optimized *x)
{
    prog_destroy(x->prog);
    *x = (struct optimized){0};
}
