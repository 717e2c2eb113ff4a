/* One point of a sweep: built, run, compared with the reference, and as a line of CSV. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/clock.h"
#include "tools/sweep/plan.h"

struct result {
    uint64_t cycles;
    struct bound bound;
    bool wrong;
    struct text reason; /* empty: all is well */
};

/* One program on mem. False with the reason set. */
static bool run_program(const struct prog *prog, const struct isa_machine *m, uint32_t *mem, size_t words,
                        struct result *r)
{
    struct sim_config config = sim_default_config();
    struct sim *s;
    struct diag d;
    config.machine = *m;
    config.debug = false;
    if (sim_create(prog, &config, mem, words, &s, &d) != ST_OK)
        return text_add(&r->reason, d.text), false;
    while (sim_run(s) == SIM_PAUSED)
        ;
    memcpy(mem, s->mem, words * sizeof *mem);
    r->cycles += s->cycle;
    const bool good = s->fault.kind == FAULT_NONE;
    if (!good)
        sim_fault_text(s, &r->reason);
    r->wrong = !good;
    sim_destroy(s);
    return good;
}

static void run(const struct sweep_point *x, const struct kern_programs *programs, uint64_t seed,
                struct result *r)
{
    struct kern_instance *instance;
    struct kern_wrong first;
    struct diag d;
    if (kern_instance_create(x->subject->kernel, &x->params, x->contract, seed, &instance, &d) != ST_OK) {
        text_add(&r->reason, d.text);
        return;
    }
    bool good = true;
    for (size_t i = 0; good && i < programs->list.n; i++)
        good = run_program(programs->list.at[i].prog, &x->machine, instance->image, instance->words, r);
    if (good && kern_first_wrong(instance, instance->image, &first)) {
        r->wrong = true;
        text_addf(&r->reason, "%s[%u] is %u, expected %u", first.array, first.index, first.found,
                  first.expected);
    }
    kern_instance_destroy(instance);
}

/* Tuning records are left aside: points are to be compared with each other. */
static void build_and_run(const struct sweep_plan *p, const struct sweep_point *x, struct result *r)
{
    const struct kern *k = x->subject->kernel;
    const struct kern_request rq = {.params = x->params,
                                    .contract = x->contract,
                                    .machine = x->machine,
                                    .effort = p->effort,
                                    .no_record = true};
    const char *why = isa_machine_validate(&x->machine);
    if (!why)
        why = k->validate(&x->params, x->contract);
    if (why) {
        text_add(&r->reason, why);
        return;
    }
    struct kern_programs programs = {{0}};
    struct diag d;
    if (kern_build(k, x->subject->variant, &rq, &programs, &d) != ST_OK)
        text_add(&r->reason, d.text);
    else
        run(x, &programs, p->seed, r);
    r->bound.cycles = 0;
    for (size_t i = 0; i < programs.list.n; i++) {
        const uint32_t bound = programs.list.at[i].bound.cycles;
        r->bound.cycles = bound && (i == 0 || r->bound.cycles) ? r->bound.cycles + bound : 0;
    }
    kern_programs_free(&programs);
}

static void add_reason(const char *reason, struct text *out)
{
    text_add(out, "\"");
    for (; *reason; reason++) {
        const char c = (unsigned char)*reason < ' ' ? ' ' : *reason;
        text_add_n(out, &c, 1);
        if (c == '"')
            text_add(out, "\"");
    }
    text_add(out, "\"");
}

void sweep_no_result(const char *reason, double seconds, struct text *out)
{
    text_addf(out, ",,,,%.3f,", seconds);
    add_reason(reason, out);
}

void sweep_point_run(const struct sweep_plan *p, const struct sweep_point *x, struct text *out)
{
    struct result r = {.cycles = 0};
    const double begun = clock_now();
    build_and_run(p, x, &r);
    const double seconds = clock_now() - begun;
    const char *reason = r.reason.n ? r.reason.at : "";
    if (r.reason.n && !r.wrong) {
        sweep_no_result(reason, seconds, out);
    } else {
        text_addf(out, "%" PRIu64 ",", r.cycles);
        if (r.bound.cycles)
            text_addf(out, "%u,%.4f", r.bound.cycles, (double)r.cycles / r.bound.cycles);
        else
            text_add(out, ",");
        text_addf(out, ",%s,%.3f,", r.wrong ? "no" : "yes", seconds);
        add_reason(reason, out);
    }
    out->failed = out->failed || r.reason.failed;
    text_free(&r.reason);
}

/* --- and back ----------------------------------------------------------------- */

/* The number up to the next comma, 0 for none; false when it is something else. */
static bool read_number(const char **at, uint64_t *out)
{
    const size_t n = strcspn(*at, ",");
    *out = strtoull(*at, NULL, 10);
    const bool good = strspn(*at, "0123456789") == n && n < 19 && (*at)[n] == ',';
    *at += good ? n + 1 : 0;
    return good;
}

static bool read_decimal(const char **at, double *out)
{
    const size_t n = strcspn(*at, ",");
    char *end = NULL;
    *out = n ? strtod(*at, &end) : 0;
    const bool good = (*at)[n] == ',' && (!n || end == *at + n) && *out >= 0 && *out < 1e18;
    *at += good ? n + 1 : 0;
    return good;
}

static bool read_answer(const char **at, enum sweep_answer *out)
{
    static const char *const words[] = {[SWEEP_NONE] = ",", [SWEEP_WRONG] = "no,", [SWEEP_CORRECT] = "yes,"};
    for (unsigned i = SWEEP_NONE; i <= SWEEP_CORRECT; i++)
        if (strncmp(*at, words[i], strlen(words[i])) == 0) {
            *out = (enum sweep_answer)i;
            *at += strlen(words[i]);
            return true;
        }
    return false;
}

/* The text between quotes, up to the end. */
static bool read_reason(char *at, const char **out)
{
    char *to = at;
    if (*at != '"')
        return false;
    *out = to;
    for (at++; *at && (*at != '"' || at[1] == '"'); at++) {
        at += *at == '"';
        *to++ = *at;
    }
    const bool good = at[0] == '"' && !at[1];
    *to = '\0';
    return good;
}

bool sweep_row_read(struct sweep_plan *p, struct sweep_row *row, const char *text, size_t n)
{
    struct sweep_row r = *row;
    char *copy = arena_text(&p->arena, text, n);
    const char *at = copy;
    double ratio;
    if (!copy || !read_number(&at, &r.cycles) || !read_number(&at, &r.bound) || !read_decimal(&at, &ratio) ||
        !read_answer(&at, &r.correct) || !read_decimal(&at, &r.seconds) ||
        !read_reason(copy + (at - copy), &r.reason) || (r.correct == SWEEP_NONE && r.cycles))
        return false;
    r.done = true;
    *row = r;
    return true;
}
