/* The public interface for making programs faster. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/api/sheaf_builder.h"
#include "builder/optimize/optimize.h"
#include "sim/public.h"

void sheaf_optimize_init(struct sheaf_optimize_options *options, size_t size)
{
    const struct optimize_options o = optimize_default_options();
    const struct sheaf_optimize_options all = {.size = size,
                                               .evaluations = o.evaluations,
                                               .seed = o.seed,
                                               .threads = o.threads,
                                               .fold = o.fold,
                                               .number = o.number,
                                               .assume = true};
    memset(options, 0, size);
    memcpy(options, &all, size < sizeof all ? size : sizeof all);
}

/* The caller's options, which may be of another version or NULL. */
static struct sheaf_optimize_options given_options(const struct sheaf_optimize_options *given)
{
    struct sheaf_optimize_options o = sheaf_optimize_default();
    if (given)
        memcpy(&o, given, given->size < sizeof o ? given->size : sizeof o);
    return o;
}

static void report_of(const struct optimized *x, struct sheaf_optimize_report *out)
{
    *out = (struct sheaf_optimize_report){
        .bundles_before = x->bundles,
        .bundles_after = x->prog ? x->left : x->bundles,
        .cycles_before = x->cycles_before,
        .cycles_after = x->prog ? x->cycles_after : x->cycles_before,
        .work = x->work,
        .dep = x->dep,
        .proved = x->proved,
        .assumed = x->given,
        .unknown = x->unknown,
        .debug_slots = x->debug_slots,
    };
    (void)snprintf(out->why, sizeof out->why, "%s", x->prog ? "" : x->why);
}

static enum status optimize(const struct prog *p, const struct sheaf_optimize_options *o,
                            struct optimize_inputs *in, struct optimized *out, struct diag *d)
{
    const struct optimize_options inner = {
        .lift = {.keep_scratch = o->keep_scratch, .pause = o->pause},
        .fold = o->fold,
        .number = o->number,
        .passes = optimize_default_options().passes,
        .evaluations = o->evaluations,
        .seed = o->seed,
        .threads = o->threads ? o->threads : 1,
    };
    struct optimize_array *arrays = calloc(o->n_arrays + 1, sizeof *arrays);
    *out = (struct optimized){0};
    if (!arrays)
        return diag_set(d, ST_NOMEM, "out of memory for %zu arrays", o->n_arrays);
    for (size_t i = 0; i < o->n_arrays; i++)
        arrays[i] = (struct optimize_array){"", o->arrays[i].first, o->arrays[i].words};
    in->arrays = arrays;
    in->n_arrays = (unsigned)o->n_arrays;
    const enum status status =
        in->n ? optimize_on(p, in, &inner, out, d) : optimize_program(p, &inner, out, d);
    free(arrays);
    return status;
}

enum sheaf_status sheaf_optimize(const struct sheaf_program *program, const uint32_t *images, size_t words,
                                 uint32_t n, const struct sheaf_optimize_options *options,
                                 struct sheaf_program **out, struct sheaf_optimize_report *report,
                                 struct sheaf_error *error)
{
    const struct sheaf_optimize_options o = given_options(options);
    struct optimize_inputs in = {.images = images, .n = n, .words = words, .assume = o.assume};
    struct optimized x;
    struct diag d = {0};
    *out = NULL;
    if (report)
        *report = (struct sheaf_optimize_report){0};
    in.header = o.header < words ? o.header : (uint32_t)words;
    enum status status = optimize(program->prog, &o, &in, &x, &d);
    if (status == ST_OK && report)
        report_of(&x, report);
    if (status == ST_OK && x.prog) {
        *out = malloc(sizeof **out);
        if (*out)
            (*out)->prog = x.prog;
        else
            status = diag_set(&d, ST_NOMEM, "out of memory for a program");
        x.prog = *out ? NULL : x.prog;
    }
    optimized_free(&x);
    return public_answer(status, &d, error);
}
