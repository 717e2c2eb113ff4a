#include "kernels/tuned.h"

#include <stdlib.h>
#include <string.h>

#include "builder/build.h"
#include "kernels/dump.h"
#include "kernels/records.h"
#include "sim/base/file.h"

enum { MAX_RECORD = 256 << 20 }; /* bytes */

static bool reference_machine(const struct isa_machine *m)
{
    const struct isa_machine r = isa_default_machine();
    bool same = m->vlen == r.vlen && m->scratch == r.scratch;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        same = same && m->slots[e] == r.slots[e] && m->latency[e] == r.latency[e];
    return same;
}

void tuned_title(const struct kern *k, const struct kern_variant *v, const struct kern_request *rq,
                 struct text *out)
{
    const struct isa_machine *m = &rq->machine;
    struct kern_params sizes = rq->params;
    for (unsigned i = 0; i < k->n_params; i++)
        if (k->params[i].data)
            sizes.at[i] = k->params[i].fallback;
    text_addf(out, "%s:%s %s ", k->name, v->name, k->contracts[rq->contract].name);
    kern_params_text(k, &sizes, out);
    if (reference_machine(m))
        return;
    text_addf(out, " on vlen=%u, scratch=%u", m->vlen, m->scratch);
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        text_addf(out, ", %s=%u", isa_engine_name((enum isa_engine)e), m->slots[e]);
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        if (m->latency[e] != 1)
            text_addf(out, ", %s_latency=%u", isa_engine_name((enum isa_engine)e), m->latency[e]);
}

enum status tuned_record(const char *title, struct tuning *out, struct diag *d)
{
    *out = (struct tuning){.cycles = 0};
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
static bool usable(void *context, const struct candidate *s)
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

/* How large the code is with its fallback decisions, and whether it can be searched. */
static enum status look(const struct kern_variant *v, const struct kern_request *rq, uint32_t *nodes,
                        bool *open, struct diag *d)
{
    const struct search_kernel k = kernel_of(v, rq);
    struct candidate s = {.cost = 0};
    const enum status status = candidate_make(&s, &k, 0, d);
    if (status != ST_OK)
        return status;
    *nodes = s.sched.graph.nodes;
    *open = s.ir->regions.n == 1;
    candidate_free(&s);
    return ST_OK;
}

enum status tuned_searchable(const struct kern_variant *v, const struct kern_request *rq, struct diag *d)
{
    uint32_t nodes;
    bool open;
    if (!v->make)
        return diag_set(d, ST_INPUT, "nothing is left open to a search");
    const enum status status = look(v, rq, &nodes, &open, d);
    return status != ST_OK || open
               ? status
               : diag_set(d, ST_INPUT, "these sizes are built with loops, which are not searched");
}

enum status tuned_search(const struct kern_variant *v, const struct kern_request *rq,
                         struct search_options *o, const struct tuned_watch *watch, struct tuning *best,
                         struct diag *d)
{
    const struct search_kernel k = kernel_of(v, rq);
    o->accept = usable;
    o->progress = watch ? watch->progress : NULL;
    o->stopped = watch ? watch->stopped : NULL;
    o->context = watch ? watch->context : NULL;
    return search_run(&k, o, best, d);
}

enum status tuned_check(const struct kern_variant *v, const struct kern_request *rq, struct tuning *t,
                        struct bound *bound, struct diag *d)
{
    const struct search_kernel k = kernel_of(v, rq);
    struct candidate s;
    enum status status = tuning_replay(t, &k, 0, &s, d);
    if (status != ST_OK)
        return status;
    t->cycles = s.schedule.length;
    t->cost = s.cost;
    struct emitted e = {0};
    status = build_emit(s.ir, &s.schedule, &e, d);
    emit_free(&e);
    if (status == ST_OK && !bound_region(&s.sched, bound))
        status = diag_set(d, ST_NOMEM, "out of memory for the bound");
    candidate_free(&s);
    return status;
}

enum status tuned_load(const char *path, const char *title, struct tuning *out, struct diag *d)
{
    char *text;
    size_t size;
    *out = (struct tuning){.cycles = 0};
    enum status status = file_read_text(path, MAX_RECORD, &text, &size, d);
    if (status != ST_OK)
        return status;
    status = tuning_read(text, size, path, title, out, d);
    free(text);
    return status;
}

enum status tuned_save(const char *path, const char *title, const struct tuning *t, struct diag *d)
{
    struct text text = {0};
    tuning_write(t, title, &text);
    const enum status status = text_ok(&text) ? file_replace(path, text.at, text.n, d)
                                              : diag_set(d, ST_NOMEM, "out of memory for the record");
    text_free(&text);
    return status;
}

static enum status add(const char *name, struct emitted *e, const struct ir *ir, struct kern_programs *out,
                       struct diag *d)
{
    const enum status status = kern_program_add(out, name, e->prog, ir, d);
    e->prog = NULL;
    emit_free(e);
    return status;
}

enum status tuned_program(const struct kern_variant *v, const struct kern_request *rq, const struct tuning *t,
                          struct kern_programs *out, struct diag *d)
{
    const struct search_kernel k = kernel_of(v, rq);
    struct candidate s;
    enum status status = tuning_replay(t, &k, 0, &s, d);
    if (status != ST_OK)
        return status;
    struct emitted e = {0};
    status = kern_dump_candidate(rq->dump, &s, d);
    if (status == ST_OK)
        status = build_emit(s.ir, &s.schedule, &e, d);
    if (status == ST_OK)
        status = add(v->name, &e, s.ir, out, d);
    candidate_free(&s);
    return status;
}

/* The code with its fallback decisions, scheduled once: what to fall back on. */
static enum status plain(const struct kern_variant *v, const struct kern_request *rq,
                         struct kern_programs *out, struct diag *d)
{
    struct choices c = {.failed = false};
    struct ir *ir = NULL;
    enum status status = v->make(rq, &c, &ir, d);
    choices_free(&c);
    if (status != ST_OK)
        return status;
    struct emitted e = {0};
    status = kern_dump_ir(rq->dump, ir, d);
    if (status == ST_OK)
        status = build_simple(ir, &e, d);
    if (status == ST_OK)
        status = add(v->name, &e, ir, out, d);
    ir_destroy(ir);
    return status;
}

static enum status search_program(const struct kern_variant *v, const struct kern_request *rq,
                                  struct kern_programs *out, struct diag *d)
{
    uint32_t nodes;
    bool open;
    enum status status = look(v, rq, &nodes, &open, d);
    if (status != ST_OK)
        return status;
    struct search_options o = search_default_options();
    o.seed = rq->seed + 1;
    o.threads = rq->threads ? rq->threads : 1;
    o.islands = rq->effort == KERN_QUICK ? 1 : o.islands;
    o.evaluations = tuned_evaluations(rq->effort, nodes);
    struct tuning t = {.cycles = 0};
    if (open)
        status = tuned_search(v, rq, &o, NULL, &t, d);
    if (status == ST_OK)
        status = t.cycles ? tuned_program(v, rq, &t, out, d) : plain(v, rq, out, d);
    tuning_free(&t);
    return status;
}

enum status tuned_build(const struct kern *k, const struct kern_variant *v, const struct kern_request *rq,
                        struct kern_programs *out, struct diag *d)
{
    if (rq->record)
        return tuned_program(v, rq, rq->record, out, d);
    struct text title = {0};
    struct tuning t = {.cycles = 0};
    tuned_title(k, v, rq, &title);
    enum status status = text_ok(&title) ? ST_OK : diag_set(d, ST_NOMEM, "out of memory");
    if (status == ST_OK && !rq->no_record)
        status = tuned_record(title.at, &t, d);
    if (status == ST_OK)
        status = t.cycles   ? tuned_program(v, rq, &t, out, d)
                 : v->plain ? plain(v, rq, out, d)
                            : search_program(v, rq, out, d);
    text_free(&title);
    tuning_free(&t);
    return status;
}
