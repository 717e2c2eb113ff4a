/* The public interface for building kernels, running them, and saying what it cost. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "builder/api/kernel_object.h"
#include "builder/build.h"
#include "builder/passes/bound.h"
#include "sim/count.h"

/* --- building ---------------------------------------------------------------- */

/* Bounds of the regions, after folding; false when out of memory. */
static bool find_bounds(struct sheaf_kernel *k)
{
    const uint32_t n = (uint32_t)k->ir->regions.n;
    k->bounds = calloc(n + 1u, sizeof *k->bounds);
    bool good = k->bounds != NULL;
    for (uint32_t r = 0; good && r < n; r++) {
        struct sched_graph p;
        struct bound b;
        good = sched_graph_init(&p, k->ir, r);
        if (!good)
            break;
        good = bound_region(&p, &b);
        k->bounds[r] = b.cycles;
        sched_graph_free(&p);
    }
    return good;
}

/* Keeps what running and reporting need. */
static bool keep(struct sheaf_kernel *k, struct emitted *e)
{
    k->region_at = malloc((e->region_at.n + 1) * sizeof *k->region_at);
    if (!k->region_at || !find_bounds(k))
        return false;
    memcpy(k->region_at, e->region_at.at, e->region_at.n * sizeof *k->region_at);
    k->program.prog = e->prog;
    e->prog = NULL;
    return true;
}

static void build(struct sheaf_kernel *k)
{
    struct diag d = {0};
    struct emitted e;
    if (k->open.n) {
        kernel_fail(k, diag_set(&d, ST_INPUT, "a loop or condition of the kernel is not closed"), &d);
        return;
    }
    enum status status = build_simple(k->ir, &e, &d);
    if (status == ST_OK && !keep(k, &e))
        status = diag_set(&d, ST_NOMEM, "out of memory while building a program");
    emit_free(&e);
    if (status != ST_OK)
        kernel_fail(k, status, &d);
}

static enum sheaf_status failure(const struct sheaf_kernel *k, struct sheaf_error *error)
{
    struct diag d = {0};
    if (!k)
        return public_answer(diag_set(&d, ST_NOMEM, "out of memory"), &d, error);
    return public_answer(k->ir->status, &k->ir->why, error);
}

enum sheaf_status sheaf_kernel_build(struct sheaf_kernel *kernel, const struct sheaf_program **program,
                                     struct sheaf_error *error)
{
    *program = NULL;
    if (kernel && kernel->ir->status == ST_OK && !kernel->program.prog)
        build(kernel);
    const enum sheaf_status status = failure(kernel, error);
    if (status == SHEAF_OK)
        *program = &kernel->program;
    return status;
}

/* --- running ----------------------------------------------------------------- */

/* `times` each bundle was executed. */
static void report(const struct sheaf_kernel *k, const struct sim *s, const uint64_t *times,
                   struct sheaf_report *out)
{
    const struct isa_machine *m = &s->config.machine;
    uint64_t slots[ISA_ENGINES] = {0};
    *out = (struct sheaf_report){.cycles = s->cycle};
    for (uint32_t b = 0; b < s->prog->bundles.n; b++)
        count_bundle(s->prog, b, times[b], slots);
    for (size_t r = 0; r < k->ir->regions.n; r++)
        if (k->region_at[r] < k->region_at[r + 1])
            out->bound += k->bounds[r] * (times[k->region_at[r]] / m->cores);
    for (unsigned e = 0; e < SHEAF_ENGINES; e++) {
        const double capacity = (double)s->cycle * m->slots[e] * m->cores;
        out->slots[e] = slots[e];
        out->used[e] = capacity > 0 ? (double)slots[e] / capacity : 0;
    }
}

static enum status run(const struct sheaf_kernel *k, uint32_t *memory, size_t words, struct sheaf_report *out,
                       struct diag *d)
{
    struct sim_config config = sim_default_config();
    struct sim *s = NULL;
    config.machine = k->ir->machine;
    uint64_t *times = calloc(k->program.prog->bundles.n + 1, sizeof *times);
    enum status status = times ? sim_create(k->program.prog, &config, memory, words, &s, d)
                               : diag_set(d, ST_NOMEM, "out of memory");
    if (status == ST_OK && count_run(s, times) == SIM_FAULTED) {
        struct text t = {0};
        sim_fault_text(s, &t);
        status = diag_set(d, ST_INPUT, "%s", text_ok(&t) ? t.at : sim_fault_name(s->fault.kind));
        text_free(&t);
    }
    if (status == ST_OK) {
        if (words)
            memcpy(memory, s->mem, words * sizeof *memory);
        if (out)
            report(k, s, times, out);
    }
    sim_destroy(s);
    free(times);
    return status;
}

enum sheaf_status sheaf_kernel_run(struct sheaf_kernel *kernel, uint32_t *memory, size_t words,
                                   struct sheaf_report *report_to, struct sheaf_error *error)
{
    const struct sheaf_program *program;
    const enum sheaf_status status = sheaf_kernel_build(kernel, &program, error);
    struct diag d = {0};
    if (report_to)
        *report_to = (struct sheaf_report){0};
    return status == SHEAF_OK ? public_answer(run(kernel, memory, words, report_to, &d), &d, error) : status;
}

size_t sheaf_report_text(const struct sheaf_report *report_of, char *text, size_t size)
{
    struct text t = {0};
    text_addf(&t, "cycles     %" PRIu64 "\n", report_of->cycles);
    text_addf(&t, "bound      %" PRIu64, report_of->bound);
    if (report_of->bound)
        text_addf(&t, " (%.2f times that)", (double)report_of->cycles / (double)report_of->bound);
    for (unsigned e = 0; e < SHEAF_ENGINES; e++)
        text_addf(&t, "\n%-10s %-6s %10" PRIu64 " %6.1f %%", e ? "" : "slots",
                  isa_engine_name((enum isa_engine)e), report_of->slots[e], 100 * report_of->used[e]);
    text_add(&t, "\n");
    return public_text(&t, text, size);
}
