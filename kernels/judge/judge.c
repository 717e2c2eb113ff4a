#include "kernels/judge/judge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/engine/batch.h"

/* A judgement under way. */
struct work {
    const struct judge_rules *rules;
    const struct judge_inputs *in;
    const struct prog *prog;
    struct sim_config config;
    struct judge_result *out;
    struct sim *alone; /* NULL until it is needed */
    const struct deadline *deadline;
    uint64_t double_writes;
    struct diag *d;
};

struct judge_rules judge_default_rules(const struct kern *k)
{
    return (struct judge_rules){.kernel = k,
                                .params = kern_defaults(k),
                                .machine = isa_default_machine(),
                                .inputs = 100,
                                .cycle_limit = 1000000,
                                .time_limit = 10000};
}

const char *judge_verdict_name(enum judge_verdict v)
{
    static const char *const names[JUDGE_VERDICTS] = {"pass", "wrong", "fault", "limit", "rejected", "error"};
    return names[v];
}

const char *judge_limit_name(enum judge_limit l)
{
    static const char *const names[JUDGE_LIMITS] = {"cycles", "work", "size", "memory", "time"};
    return names[l];
}

static void say(struct judge_result *out, enum judge_verdict v, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(struct judge_result *out, enum judge_verdict v, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(out->why, sizeof out->why, format, args);
    va_end(args);
    out->verdict = v;
}

static void warn(struct judge_result *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void warn(struct judge_result *out, const char *format, ...)
{
    if (out->n_warnings == JUDGE_MAX_WARNINGS)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(out->warning[out->n_warnings++], sizeof *out->warning, format, args);
    va_end(args);
}

static void over(struct judge_result *out, enum judge_limit l, const char *what)
{
    out->limit = l;
    say(out, JUDGE_LIMIT, "%s", what);
}

/* --- one input -------------------------------------------------------------------- */

static void blame(struct work *w, uint32_t input)
{
    const struct kern_instance *p = w->in->at[input];
    w->out->input = input;
    w->out->seed = p->seed;
    w->out->params = p->params;
}

/* Of how long a program runs. */
static bool is_limit(const struct sim_fault *f)
{
    return f->kind == FAULT_CYCLE_LIMIT || f->kind == FAULT_ROUND_LIMIT || f->kind == FAULT_WORK_LIMIT;
}

static void faulted(struct work *w, uint32_t input, const struct sim *s)
{
    struct text t = {0};
    blame(w, input);
    sim_fault_text(s, &t);
    w->out->fault = s->fault;
    say(w->out, JUDGE_FAULT, "%s", t.at ? t.at : "a fault");
    if (is_limit(&s->fault)) {
        w->out->verdict = JUDGE_LIMIT;
        w->out->limit = s->fault.kind == FAULT_CYCLE_LIMIT ? JUDGE_CYCLES : JUDGE_WORK;
    } else if (s->fault.kind == FAULT_TRACE_LIMIT || s->fault.kind == FAULT_OUT_OF_MEMORY) {
        w->out->verdict = JUDGE_LIMIT;
        w->out->limit = JUDGE_MEMORY;
    }
    text_free(&t);
}

/* An instance that has ended. False at the first that does not pass. */
static bool settle(struct work *w, uint32_t input, const struct sim *s)
{
    struct judge_result *out = w->out;
    if (s->fault.kind != FAULT_NONE) {
        faulted(w, input, s);
        return false;
    }
    w->double_writes += s->double_writes;
    out->cycles = s->cycle > out->cycles ? s->cycle : out->cycles;
    out->fewest = out->ran == 0 || s->cycle < out->fewest ? s->cycle : out->fewest;
    out->ran++;
    struct kern_wrong wrong;
    if (!kern_first_wrong(w->in->at[input], s->mem, &wrong))
        return true;
    blame(w, input);
    out->wrong = wrong;
    say(out, JUDGE_WRONG, "input %u: %s[%u] is %u, expected %u", input, wrong.array, wrong.index, wrong.found,
        wrong.expected);
    return false;
}

/* Words that changed though the contract does not compare them; of one instance. */
static void note_touched(struct work *w, uint32_t input, const struct sim *s)
{
    const struct kern_instance *p = w->in->at[input];
    for (unsigned i = 0; i < p->n_arrays; i++) {
        const struct kern_array *a = &p->arrays[i];
        uint32_t changed = 0;
        for (uint32_t k = a->compared; k < a->words; k++)
            changed += s->mem[a->first + k] != p->image[a->first + k];
        if (changed)
            warn(w->out, "%u of %u words of %s are changed, which the contract does not look at", changed,
                 a->words, a->name);
    }
}

void judge_out_of_time(const struct judge_rules *r, struct judge_result *out)
{
    char text[80];
    (void)snprintf(text, sizeof text, "not done within %" PRIu64 " ms", r->time_limit);
    over(out, JUDGE_TIME, text);
}

static bool out_of_time(struct work *w)
{
    if (!deadline_over(w->deadline))
        return false;
    judge_out_of_time(w->rules, w->out);
    return true;
}

/* --- many ------------------------------------------------------------------------- */

/* Input `i` on a machine of its own, looking at the clock. False when it does not pass. */
static bool run_alone(struct work *w, uint32_t i, enum status *status)
{
    const uint32_t *image = w->in->images + i * w->in->words;
    enum sim_end end = SIM_MORE;
    if (!w->alone)
        *status = sim_create(w->prog, &w->config, image, w->in->words, &w->alone, w->d);
    if (*status != ST_OK)
        return false;
    sim_reset(w->alone, image);
    while (end == SIM_MORE || end == SIM_PAUSED) {
        end = sim_run_for(w->alone, SIM_SLICE);
        if ((end == SIM_MORE || end == SIM_PAUSED) && out_of_time(w))
            return false;
    }
    return settle(w, i, w->alone);
}

/* All together for some cycles; those that want to go on start again alone, so that the first that does
 * not end is found before the others have run as long. */
static enum status run_all(struct work *w)
{
    enum { BATCH_CYCLES = 1 << 22 /* of all inputs */, LEAST = 1000, FEW = 5 };
    struct sim_config together = w->config;
    struct sim_batch *b = NULL;
    const uint64_t each = BATCH_CYCLES / w->in->n + LEAST;
    if (together.cycle_limit > each)
        together.cycle_limit = each;
    /* A few have no use for a batch; a batch of large ones is too much for the host. */
    enum status status =
        w->in->n < FEW ? ST_LIMIT
                       : batch_create(w->prog, &together, w->in->images, w->in->words, w->in->n, &b, w->d);
    bool good = status == ST_OK;
    while (good && !batch_run_for(b, SIM_SLICE))
        good = !out_of_time(w);
    const bool apart = status == ST_LIMIT;
    if (apart) {
        status = ST_OK;
        good = true;
    }
    for (uint32_t i = 0; good && i < w->in->n; i++) {
        const struct sim *s = apart ? NULL : batch_state(b, i);
        const bool goes_on = apart || (is_limit(&s->fault) && together.cycle_limit < w->config.cycle_limit);
        good = !out_of_time(w) && (goes_on ? run_alone(w, i, &status) : settle(w, i, s));
        if (good && i == 0)
            note_touched(w, i, goes_on ? w->alone : s);
    }
    batch_destroy(b);
    sim_destroy(w->alone);
    return status;
}

/* --- the verdict ------------------------------------------------------------------ */

static bool is_standard(const struct judge_rules *r)
{
    for (unsigned i = 0; i < r->kernel->n_params; i++)
        if (!r->kernel->params[i].data && r->params.at[i] != r->kernel->params[i].fallback)
            return false;
    const struct isa_machine reference = isa_default_machine();
    return r->contract == 0 && memcmp(&r->machine, &reference, sizeof reference) == 0;
}

/* Thresholds are for the standard instance and the first contract, and only for programs that pass. */
static void hold_against_thresholds(struct work *w)
{
    const struct kern *k = w->rules->kernel;
    struct judge_result *out = w->out;
    for (unsigned i = 0; i < k->n_thresholds && i < JUDGE_MAX_THRESHOLDS && is_standard(w->rules); i++)
        out->threshold[out->n_thresholds++] = (struct judge_threshold){
            k->thresholds[i], out->verdict == JUDGE_PASS && out->cycles < k->thresholds[i]};
}

static void count_shapes(struct work *w)
{
    const struct kern *k = w->rules->kernel;
    const unsigned shape = kern_shape(k), n = shape < k->n_params ? kern_choices(&k->params[shape]) : 0;
    for (uint32_t i = 0; i < w->in->n; i++)
        for (unsigned c = 0; c < n && c < JUDGE_MAX_SHAPES; c++)
            w->out->shaped[c] += w->in->at[i]->params.at[shape] == k->params[shape].choices[c].value;
}

static void note_warnings(struct work *w)
{
    if (w->double_writes)
        warn(w->out, "%" PRIu64 " writes were replaced by another one to the same word in the same bundle",
             w->double_writes);
    if (memcmp(&w->prog->machine, &w->rules->machine, sizeof w->rules->machine) != 0)
        warn(w->out, "the machine that the program asks for is ignored");
}

struct deadline judge_deadline(const struct judge_rules *r)
{
    return deadline_in(1e-3 * (double)r->time_limit);
}

size_t judge_readable(const struct judge_rules *r)
{
    enum { BYTES = 1 << 15 /* a millisecond: half of what is read of the shortest bundles */ };
    return r->time_limit < SIZE_MAX / BYTES - 2 ? (size_t)(r->time_limit + 2) * BYTES : SIZE_MAX;
}

enum status judge_program(const struct judge_rules *r, const struct deadline *deadline,
                          const struct judge_inputs *in, const struct prog *p, struct judge_result *out,
                          struct diag *d)
{
    enum { TRACE_WORDS = 1 << 16 };
    struct work w = {.rules = r,
                     .deadline = deadline,
                     .in = in,
                     .prog = p,
                     .config = sim_default_config(),
                     .out = out,
                     .d = d};
    *out = (struct judge_result){.verdict = JUDGE_PASS, .asked = p->machine};
    count_shapes(&w);
    w.config.machine = r->machine;
    w.config.strict = r->strict;
    w.config.debug = false;
    w.config.cycle_limit = r->cycle_limit;
    w.config.trace_limit = TRACE_WORDS;
    const enum status status = run_all(&w);
    if (status == ST_NOMEM) {
        over(out, JUDGE_MEMORY, "the host has no memory left for it");
        return ST_OK;
    }
    hold_against_thresholds(&w);
    note_warnings(&w);
    return status;
}

/* A verdict without a run, and the first line of why. */
static void no_verdict(enum judge_verdict v, const struct diag *d, struct judge_result *out)
{
    char text[DIAG_TEXT + 5 * DIAG_LINE];
    *out = (struct judge_result){.verdict = v};
    (void)diag_render(d, text, sizeof text);
    say(out, v, "%.*s", (int)strcspn(text, "\n"), text);
}

void judge_error(const struct diag *d, struct judge_result *out)
{
    no_verdict(JUDGE_ERROR, d, out);
}

void judge_reject(enum status status, const struct diag *d, struct judge_result *out)
{
    no_verdict(JUDGE_REJECTED, d, out);
    if (status == ST_LIMIT) {
        out->verdict = JUDGE_LIMIT;
        out->limit = JUDGE_SIZE;
    } else if (status == ST_NOMEM) {
        out->verdict = JUDGE_LIMIT;
        out->limit = JUDGE_MEMORY;
    }
}
