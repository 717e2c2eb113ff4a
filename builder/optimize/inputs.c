/* Programs on inputs: what their accesses touch, and whether two of them do the same. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "builder/optimize/optimize.h"
#include "sim/observe.h"

enum { WATCHED = 16 }; /* inputs on which accesses are watched */

/* The addresses that each slot has touched, as first and last. */
struct watch {
    const struct prog *p;
    uint32_t *low, *high;
    uint64_t cycles;
    uint32_t runs;
};

/* --- watching ------------------------------------------------------------------------ */

static void see(void *user, const struct sim_bundle *b)
{
    struct watch *w = user;
    const struct prog_span s = prog_bundle_slots(w->p, b->bundle);
    for (uint32_t i = s.begin; i < s.end; i++) {
        const struct isa_slot *slot = &w->p->slots.at[i];
        if (slot->op >= ISA_OPS || !isa_is_access((enum isa_op)slot->op))
            continue;
        const struct isa_effects fx = isa_effects(slot, w->p->machine.vlen);
        const uint32_t first = b->sim->cores[b->core].scratch[fx.read[0].first];
        const uint32_t n = isa_is_load((enum isa_op)slot->op) ? fx.write.n : fx.read[1].n;
        w->low[i] = first < w->low[i] ? first : w->low[i];
        w->high[i] = first + n > w->high[i] ? first + n : w->high[i];
    }
}

static enum status faulted(const struct sim *s, uint32_t input, struct diag *d)
{
    struct text t = {0};
    sim_fault_text(s, &t);
    const enum status status =
        diag_set(d, ST_INPUT, "the program faults on input %u: %s", input, text_ok(&t) ? t.at : "");
    text_free(&t);
    return status;
}

static struct sim_config config_of(const struct prog *p, const struct optimize_options *o)
{
    struct sim_config c = sim_default_config();
    c.machine = p->machine;
    c.debug = false;
    c.pause = o->lift.pause;
    return c;
}

static void run_to_end(struct sim *s)
{
    while (sim_run(s) == SIM_PAUSED)
        continue;
}

static enum status watch_inputs(struct watch *w, const struct optimize_inputs *in,
                                const struct optimize_options *o, struct diag *d)
{
    const struct sim_config config = config_of(w->p, o);
    const struct sim_sink sink = {.bundle = see, .user = w};
    struct sim *s;
    enum status status = sim_create(w->p, &config, in->images, in->words, &s, d);
    if (status != ST_OK)
        return status;
    sim_observe(s, &sink);
    for (uint32_t i = 0; i < in->n && i < WATCHED && status == ST_OK; i++) {
        sim_reset(s, in->images + i * in->words);
        run_to_end(s);
        w->cycles += s->cycle;
        w->runs++;
        if (s->fault.kind != FAULT_NONE)
            status = faulted(s, i, d);
    }
    sim_destroy(s);
    return status;
}

/* The whole of what the array `a` and the range share is the array. */
static struct ir_mem widen(const struct optimize_inputs *in, uint32_t low, uint32_t high)
{
    uint32_t first = low, end = high;
    for (unsigned i = 0; i < in->n_arrays; i++) {
        const struct optimize_array *a = &in->arrays[i];
        const uint32_t last = a->first + a->words;
        if (low < last && a->first < high) {
            first = a->first < first ? a->first : first;
            end = last > end ? last : end;
        }
    }
    return (struct ir_mem){first, end - first};
}

/* By slot: what an access touches. One that always has the same address has that one alone. */
static void conclude(const struct watch *w, const struct optimize_inputs *in, struct ir_mem *access)
{
    for (size_t i = 0; i < w->p->slots.n; i++) {
        const struct isa_slot *slot = &w->p->slots.at[i];
        access[i] = (struct ir_mem){0, 0};
        if (slot->op >= ISA_OPS || !isa_is_access((enum isa_op)slot->op) || w->high[i] == 0)
            continue;
        const struct isa_effects fx = isa_effects(slot, w->p->machine.vlen);
        const uint32_t n = isa_is_load((enum isa_op)slot->op) ? fx.write.n : fx.read[1].n;
        access[i] =
            w->high[i] - w->low[i] == n ? (struct ir_mem){w->low[i], n} : widen(in, w->low[i], w->high[i]);
    }
}

/* --- comparing ----------------------------------------------------------------------- */

static enum status differ(const struct sim *a, const struct sim *b, uint32_t input, struct diag *d)
{
    size_t word = 0;
    while (word < a->mem_words && a->mem[word] == b->mem[word])
        word++;
    if (word < a->mem_words)
        return diag_set(d, ST_INPUT, "on input %u memory word %zu is %u, and was %u before", input, word,
                        b->mem[word], a->mem[word]);
    const size_t n = a->cores[0].trace.n, m = b->cores[0].trace.n;
    if (n != m || (n && memcmp(a->cores[0].trace.at, b->cores[0].trace.at, n * sizeof(uint32_t)) != 0))
        return diag_set(d, ST_INPUT, "on input %u the trace buffer differs, of %zu words, and %zu before",
                        input, m, n);
    return ST_OK;
}

static enum status compare(const struct prog *p, const struct optimize_inputs *in,
                           const struct optimize_options *o, struct optimized *out, struct diag *d)
{
    const struct sim_config config = config_of(p, o);
    struct sim *a = NULL, *b = NULL;
    out->cycles_before = out->cycles_after = out->runs = 0;
    enum status status = sim_create(p, &config, in->images, in->words, &a, d);
    if (status == ST_OK)
        status = sim_create(out->prog, &config, in->images, in->words, &b, d);
    for (uint32_t i = 0; i < in->n && status == ST_OK; i++) {
        sim_reset(a, in->images + i * in->words);
        sim_reset(b, in->images + i * in->words);
        run_to_end(a);
        run_to_end(b);
        out->cycles_before += a->cycle;
        out->cycles_after += b->cycle;
        out->compared = ++out->runs;
        status = a->fault.kind != FAULT_NONE   ? faulted(a, i, d)
                 : b->fault.kind != FAULT_NONE ? faulted(b, i, d)
                                               : differ(a, b, i, d);
    }
    sim_destroy(a);
    sim_destroy(b);
    return status;
}

/* --- the whole ----------------------------------------------------------------------- */

static enum status keep_if_faster(const struct prog *p, const struct optimize_inputs *in,
                                  const struct optimize_options *o, struct optimized *out, struct diag *d)
{
    const enum status status = compare(p, in, o, out, d);
    if (status != ST_OK || out->cycles_after < out->cycles_before)
        return status;
    prog_destroy(out->prog);
    out->prog = NULL;
    out->cycles_after = out->cycles_before;
    (void)diag_set(d, ST_OK, "%u bundles are left of %u, but runs take as long",
                   out->step[out->steps - 1].bundles, out->bundles);
    memcpy(out->why, d->text, sizeof out->why);
    return ST_OK;
}

enum status optimize_on(const struct prog *p, const struct optimize_inputs *in,
                        const struct optimize_options *o, struct optimized *out, struct diag *d)
{
    const size_t slots = p->slots.n + 1;
    struct optimize_options with = *o;
    struct watch w = {p, malloc(slots * sizeof *w.low), calloc(slots, sizeof *w.high), 0, 0};
    struct ir_mem *access = malloc(slots * sizeof *access);
    bool *fixed = malloc(in->header + 1u);
    enum status status = ST_OK;
    *out = (struct optimized){0};
    if (!w.low || !w.high || !access || !fixed)
        status = diag_set(d, ST_NOMEM, "out of memory for %zu slots", slots);
    else
        memset(w.low, 0xff, slots * sizeof *w.low);
    if (status == ST_OK)
        status = watch_inputs(&w, in, o, d);
    if (status == ST_OK) {
        memset(fixed, true, in->header + 1u);
        if (in->assume)
            conclude(&w, in, access);
        with.lift.facts = (struct lift_facts){in->assume ? access : NULL, in->images, fixed, in->header};
        status = optimize_program(p, &with, out, d);
        out->cycles_before = out->cycles_after = w.cycles;
        out->runs = w.runs;
    }
    free(w.low);
    free(w.high);
    free(access);
    free(fixed);
    if (status == ST_OK && out->prog)
        status = keep_if_faster(p, in, o, out, d);
    if (status != ST_OK)
        optimized_free(out);
    return status;
}
