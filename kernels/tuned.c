#include "kernels/tuned.h"

#include <string.h>

#include "builder/build.h"
#include "kernels/records.h"

void tuned_title(const struct kern *k, const struct kern_variant *v, const struct kern_request *rq,
                 struct text *out)
{
    text_addf(out, "%s:%s %s ", k->name, v->name, k->contracts[rq->contract].name);
    kern_params_text(k, &rq->params, out);
}

static bool reference_machine(const struct isa_machine *m)
{
    const struct isa_machine r = isa_default_machine();
    bool same = m->vlen == r.vlen && m->scratch == r.scratch;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        same = same && m->slots[e] == r.slots[e];
    return same;
}

enum status tuned_record(const char *title, const struct kern_request *rq, struct tuning *out, struct diag *d)
{
    *out = (struct tuning){.cycles = 0};
    if (!reference_machine(&rq->machine))
        return ST_OK;
    for (const struct tuning_record *r = tuning_records; r->name; r++) {
        /* The second line is "for TITLE". */
        if (strncmp(r->lines[1], "for ", 4) != 0 || strcmp(r->lines[1] + 4, title) != 0)
            continue;
        struct text t = {0};
        for (const char *const *line = r->lines; *line; line++) {
            text_add(&t, *line);
            text_add(&t, "\n");
        }
        const enum status status = text_ok(&t) ? tuning_read(t.at, t.n, r->name, title, out, d)
                                               : diag_set(d, ST_NOMEM, "out of memory");
        text_free(&t);
        return status;
    }
    return ST_OK;
}

uint64_t tuned_evaluations(unsigned effort, uint32_t nodes)
{
    /* About so many schedules of a kernel of ten thousand nodes, and no more time for
     * larger ones. */
    static const uint64_t base[KERN_EFFORTS] = {4, 1200, 24000};
    const uint64_t n = base[effort < KERN_EFFORTS ? effort : KERN_EFFORTS - 1] * 10000 / (nodes + 1000u);
    const uint64_t most = base[effort < KERN_EFFORTS ? effort : KERN_EFFORTS - 1] * 2;
    return n < 4 ? 4 : n > most ? most : n;
}

/* A result that scratch has no room for, or that does not verify, does not count. */
static bool usable(void *context, const struct state *s)
{
    (void)context;
    struct emitted e = {0};
    struct diag d;
    const enum status status = build_emit(s->ir, &s->schedule, &e, &d);
    if (status == ST_OK)
        emit_free(&e);
    return status == ST_OK;
}

static struct search_kernel kernel_of(const struct kern_variant *v, const struct kern_request *rq)
{
    return (struct search_kernel){rq, v->make};
}

enum status tuned_search(const struct kern_variant *v, const struct kern_request *rq, struct search_options *o,
                         const struct tuned_watch *watch, struct tuning *best, struct diag *d)
{
    const struct search_kernel k = kernel_of(v, rq);
    o->accept = usable;
    o->progress = watch ? watch->progress : NULL;
    o->context = watch ? watch->context : NULL;
    return search_run(&k, o, best, d);
}

static enum status emit(const struct state *s, struct prog **out, struct diag *d)
{
    struct emitted e = {0};
    const enum status status = build_emit(s->ir, &s->schedule, &e, d);
    if (status == ST_OK) {
        *out = e.prog;
        e.prog = NULL;
        emit_free(&e);
    }
    return status;
}

enum status tuned_program(const struct kern_variant *v, const struct kern_request *rq, const struct tuning *t,
                          struct prog **out, struct diag *d)
{
    const struct search_kernel k = kernel_of(v, rq);
    struct state s;
    *out = NULL;
    enum status status = tuning_replay(t, &k, 0, &s, d);
    if (status != ST_OK)
        return status;
    status = emit(&s, out, d);
    state_free(&s);
    return status;
}

/* The code with its fallback decisions, scheduled once: how large it is, and what to
 * fall back on. */
static enum status plain(const struct kern_variant *v, const struct kern_request *rq, struct prog **out,
                         struct diag *d)
{
    struct choices c = {.failed = false};
    struct ir *ir = NULL;
    enum status status = v->make(rq, &c, &ir, d);
    choices_free(&c);
    if (status != ST_OK)
        return status;
    struct emitted e = {0};
    status = build_simple(ir, &e, d);
    if (status == ST_OK) {
        *out = e.prog;
        e.prog = NULL;
        emit_free(&e);
    }
    ir_destroy(ir);
    return status;
}

static enum status search_program(const struct kern_variant *v, const struct kern_request *rq, struct prog **out,
                                  struct diag *d)
{
    const struct search_kernel k = kernel_of(v, rq);
    struct state s = {.cost = 0};
    enum status status = state_make(&s, &k, 0, d);
    if (status != ST_OK)
        return status;
    const bool one_region = s.ir->regions.n == 1;
    struct search_options o = search_default_options();
    o.seed = rq->seed + 1;
    o.threads = rq->threads ? rq->threads : 1;
    o.islands = rq->effort == KERN_QUICK ? 1 : o.islands;
    o.evaluations = tuned_evaluations(rq->effort, s.problem.graph.nodes);
    state_free(&s);
    struct tuning t = {.cycles = 0};
    if (one_region)
        status = tuned_search(v, rq, &o, NULL, &t, d);
    if (status == ST_OK)
        status = t.cycles ? tuned_program(v, rq, &t, out, d) : plain(v, rq, out, d);
    tuning_free(&t);
    return status;
}

enum status tuned_build(const struct kern *k, const struct kern_variant *v, const struct kern_request *rq,
                        struct kern_stages *out, struct diag *d)
{
    struct text title = {0};
    struct tuning t = {.cycles = 0};
    struct prog *p = NULL;
    tuned_title(k, v, rq, &title);
    enum status status = text_ok(&title) ? ST_OK : diag_set(d, ST_NOMEM, "out of memory");
    if (status == ST_OK && !rq->no_record)
        status = tuned_record(title.at, rq, &t, d);
    if (status == ST_OK)
        status = t.cycles ? tuned_program(v, rq, &t, &p, d) : search_program(v, rq, &p, d);
    text_free(&title);
    tuning_free(&t);
    if (status == ST_OK && !vec_push(&out->list, (struct kern_stage){k->name, p})) {
        prog_destroy(p);
        status = diag_set(d, ST_NOMEM, "out of memory");
    }
    return status;
}
