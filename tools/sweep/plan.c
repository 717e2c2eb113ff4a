#include "tools/sweep/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/clock.h"

static const uint64_t too_many = UINT64_C(1) << 52; /* points of a grid */

static int no_memory(void)
{
    return tool_error("out of memory for the sweep");
}

/* --- axes --------------------------------------------------------------------- */

static bool add_value(struct sweep_plan *p, struct sweep_axis *a, const char *text, size_t n)
{
    const char *copy = arena_text(&p->arena, text, n);
    return copy && vec_push(&a->values, copy);
}

/* "4", "1:4" or "64:256:64"; a word where no number is expected. */
static int add_values(struct sweep_plan *p, struct sweep_axis *a, const char *text, size_t n)
{
    char piece[64], number[32];
    unsigned long long low, high, step = 1;
    int used = -1;
    (void)snprintf(piece, sizeof piece, "%.*s", (int)n, text);
    bool range = n < sizeof piece && strchr(piece, ':') && strspn(piece, "0123456789:") == n && n < 40;
    if (range) {
        const int got = sscanf(piece, "%19llu:%19llu%n:%19llu%n", &low, &high, &used, &step, &used);
        range = got >= 2 && used == (int)n && low <= high && step && (high - low) / step < SWEEP_MAX_VALUES;
    }
    if (!range && (n == 0 || memchr(text, ':', n)))
        return tool_error("%s=%.*s: expected a value, LOW:HIGH or LOW:HIGH:STEP, of at most %d values",
                          a->name, (int)n, text, SWEEP_MAX_VALUES);
    if (!range)
        return add_value(p, a, text, n) ? EXIT_FINE : no_memory();
    for (unsigned long long v = low;; v += step) {
        const int length = snprintf(number, sizeof number, "%llu", v);
        if (!add_value(p, a, number, (size_t)length))
            return no_memory();
        if (high - v < step)
            return EXIT_FINE;
    }
}

/* "load=1:4,flow=1:3,vlen=4,8": a piece without a name is one more value. */
static int add_axes(struct sweep_plan *p, bool machine, const char *option, const char *text)
{
    struct sweep_axis *axis = NULL;
    for (;; text++) {
        const size_t n = strcspn(text, ","), name = strcspn(text, "=,");
        const bool named = name < n;
        if (named) {
            const char *copy = arena_text(&p->arena, text, name);
            if (!copy || !vec_push(&p->axes, (struct sweep_axis){.machine = machine, .name = copy}))
                return no_memory();
            axis = &p->axes.at[p->axes.n - 1];
        }
        for (size_t i = 0; named && i + 1 < p->axes.n; i++)
            if (p->axes.at[i].machine == machine && strcmp(p->axes.at[i].name, axis->name) == 0)
                return tool_error("--%s: %s is there twice", option, axis->name);
        if (!axis)
            return tool_error("--%s %.*s: expected NAME=VALUES", option, (int)n, text);
        const size_t skip = named ? name + 1 : 0;
        const int status = add_values(p, axis, text + skip, n - skip);
        if (status != EXIT_FINE)
            return status;
        text += n;
        if (!*text)
            return EXIT_FINE;
    }
}

/* A machine's values are numbers; a kernel's are its own affair. */
static int set_axis(const struct sweep_axis *a, const char *value, const struct kern *k,
                    struct kern_params *params, struct isa_machine *m)
{
    if (!a->machine) {
        char text[160];
        struct diag d;
        (void)snprintf(text, sizeof text, "%s=%s", a->name, value);
        return kern_set(k, text, params, &d) == ST_OK ? EXIT_FINE : tool_diag(&d);
    }
    uint32_t *number = isa_machine_parameter(m, a->name, strlen(a->name));
    if (!number)
        return tool_error(
            "--grid: no parameter `%s`, expected alu, valu, load, store, flow, each with _latency "
            "or without, vlen, scratch or cores",
            a->name);
    if (strspn(value, "0123456789") != strlen(value) || strlen(value) > 9)
        return tool_error("--grid %s=%s: expected a number", a->name, value);
    *number = (uint32_t)strtoul(value, NULL, 10);
    return EXIT_FINE;
}

/* Every value is one that can be set; which of them go together is each point's matter. */
static int check_axes(const struct sweep_plan *p)
{
    for (size_t s = 0; s < p->subjects.n; s++)
        for (size_t a = 0; a < p->axes.n; a++)
            for (size_t v = 0; v < p->axes.at[a].values.n; v++) {
                struct sweep_subject x = p->subjects.at[s];
                const int status =
                    set_axis(&p->axes.at[a], p->axes.at[a].values.at[v], x.kernel, &x.params, &x.machine);
                if (status != EXIT_FINE)
                    return status;
            }
    return EXIT_FINE;
}

/* --- subjects ----------------------------------------------------------------- */

static int set_contracts(struct sweep_subject *s, const char *names, unsigned standard)
{
    s->contracts[0] = standard;
    s->n_contracts = !names;
    while (names) {
        char name[64];
        const size_t n = strcspn(names, ",");
        (void)snprintf(name, sizeof name, "%.*s", (int)n, names);
        const unsigned c = n < sizeof name ? kern_find_contract(s->kernel, name) : s->kernel->n_contracts;
        if (c == s->kernel->n_contracts || s->n_contracts == KERN_MAX_CONTRACTS)
            return tool_error("%s has no contract `%.*s`, or it is there twice", s->kernel->name, (int)n,
                              names);
        s->contracts[s->n_contracts++] = c;
        names = names[n] ? names + n + 1 : NULL;
    }
    return EXIT_FINE;
}

/* One variant: `plain` are the options that every command understands. */
static int add_subject(struct sweep_plan *p, const struct options *o, const struct options *plain,
                       const char *name)
{
    struct job j = {.operand = NULL};
    int status = job_kernel(&j, plain, name, true);
    if (status != EXIT_FINE)
        return status;
    struct sweep_subject s = {
        .kernel = j.kernel, .variant = j.variant, .params = j.params, .machine = j.machine};
    p->seed = j.seed;
    job_free(&j);
    status = set_contracts(&s, opt_text(o, OPT_CONTRACT), j.contract);
    if (status != EXIT_FINE)
        return status;
    return vec_push(&p->subjects, s) ? EXIT_FINE : no_memory();
}

/* "tree_hash:best,packed". */
static int add_operand(struct sweep_plan *p, const struct options *o, const struct options *plain,
                       const char *operand)
{
    const size_t kernel = strcspn(operand, ":");
    const char *variant = operand[kernel] ? operand + kernel + 1 : NULL;
    if (!variant)
        return add_subject(p, o, plain, operand);
    for (;;) {
        char name[160];
        const size_t n = strcspn(variant, ",");
        (void)snprintf(name, sizeof name, "%.*s:%.*s", (int)kernel, operand, (int)n, variant);
        const int status = add_subject(p, o, plain, name);
        if (status != EXIT_FINE || !variant[n])
            return status;
        variant += n + 1;
    }
}

static int add_subjects(struct sweep_plan *p, const struct options *o)
{
    struct options plain = *o;
    int status = EXIT_FINE;
    plain.given.at = NULL;
    plain.given.n = plain.given.capacity = 0;
    for (size_t i = 0; i < o->given.n && status == EXIT_FINE; i++)
        if (o->given.at[i].id != OPT_CONTRACT && !vec_push(&plain.given, o->given.at[i]))
            status = no_memory();
    for (unsigned i = 0; i < o->n_operands && status == EXIT_FINE; i++)
        status = add_operand(p, o, &plain, o->operands[i]);
    vec_free(&plain.given);
    return status;
}

/* --- cost --------------------------------------------------------------------- */

static int set_weights(struct sweep_weights *w, const char *text)
{
    *w = (struct sweep_weights){{0}, 0.02};
    w->engine[ENGINE_ALU] = w->engine[ENGINE_VALU] = w->engine[ENGINE_STORE] = 1;
    w->engine[ENGINE_LOAD] = 2;
    w->engine[ENGINE_FLOW] = 0.5;
    while (text) {
        const size_t n = strcspn(text, ","), name = strcspn(text, "=,");
        const enum isa_engine e = isa_find_engine(text, name);
        double *weight = name == 4 && memcmp(text, "word", 4) == 0 ? &w->word
                         : e < ENGINE_DEBUG                        ? &w->engine[e]
                                                                   : NULL;
        char *end = NULL;
        const double value = name < n ? strtod(text + name + 1, &end) : -1;
        if (!weight || end != text + n || !(value >= 0 && value <= 1e9))
            return tool_error(
                "--cost %.*s: expected alu, valu, load, store, flow or word, and its weight: NAME=N", (int)n,
                text);
        *weight = value;
        text = text[n] ? text + n + 1 : NULL;
    }
    return EXIT_FINE;
}

static double cost_of(const struct sweep_weights *w, const struct isa_machine *m)
{
    double cost = w->word * m->scratch;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        cost += w->engine[e] * m->slots[e] * (e == ENGINE_ALU ? 1 : m->vlen);
    return cost * m->cores;
}

/* --- points ------------------------------------------------------------------- */

static uint64_t points_of(const struct sweep_plan *p)
{
    uint64_t n = 0;
    for (size_t s = 0; s < p->subjects.n; s++)
        n += p->subjects.at[s].n_contracts;
    for (size_t a = 0; a < p->axes.n; a++)
        n = n > too_many / p->axes.at[a].values.n ? too_many : n * p->axes.at[a].values.n;
    return n;
}

struct sweep_point sweep_point_at(const struct sweep_plan *p, uint64_t index)
{
    size_t value[64] = {0}; /* by axis, of which there are fewer; the last varies fastest */
    for (size_t a = p->axes.n; a-- > 0; index /= p->axes.at[a].values.n)
        value[a] = index % p->axes.at[a].values.n;
    size_t s = 0;
    for (; index >= p->subjects.at[s].n_contracts; s++)
        index -= p->subjects.at[s].n_contracts;
    const struct sweep_subject *subject = &p->subjects.at[s];
    struct sweep_point x = {subject, subject->params, subject->machine, subject->contracts[index]};
    for (size_t a = 0; a < p->axes.n; a++)
        (void)set_axis(&p->axes.at[a], p->axes.at[a].values.at[value[a]], subject->kernel, &x.params,
                       &x.machine);
    return x;
}

static const char *const machine_columns[] = {
    "alu",          "valu",          "load",         "store", "flow",    "alu_latency", "valu_latency",
    "load_latency", "store_latency", "flow_latency", "vlen",  "scratch", "cores"};
enum { MACHINE_COLUMNS = sizeof machine_columns / sizeof *machine_columns };

static bool has_column(const struct sweep_plan *p, const char *name)
{
    for (size_t i = 0; i < p->columns.n; i++)
        if (strcmp(p->columns.at[i], name) == 0)
            return true;
    return false;
}

static bool name_columns(struct sweep_plan *p)
{
    bool good = vec_push(&p->columns, "kernel") && vec_push(&p->columns, "variant") &&
                vec_push(&p->columns, "contract");
    for (size_t s = 0; s < p->subjects.n; s++)
        for (unsigned i = 0; i < p->subjects.at[s].kernel->n_params; i++) {
            const char *name = p->subjects.at[s].kernel->params[i].name;
            good = good && (has_column(p, name) || vec_push(&p->columns, name));
        }
    for (unsigned i = 0; i < MACHINE_COLUMNS; i++)
        good = good && vec_push(&p->columns, machine_columns[i]);
    return good && vec_push(&p->columns, "effort") && vec_push(&p->columns, "seed") &&
           vec_push(&p->columns, "cost");
}

/* A kernel's parameter of that name, as users write its value; nothing if it has none. */
static void add_parameter(const struct sweep_point *x, const char *name, struct text *t)
{
    const struct kern *k = x->subject->kernel;
    for (unsigned i = 0; i < k->n_params; i++) {
        if (strcmp(k->params[i].name, name) != 0)
            continue;
        const struct kern_choice *c = k->params[i].choices;
        while (c && c->name && c->value != x->params.at[i])
            c++;
        if (c && c->name)
            text_add(t, c->name);
        else
            text_addf(t, "%" PRId64, x->params.at[i]);
    }
}

static void write_key(const struct sweep_plan *p, const struct sweep_point *x, double cost, struct text *t)
{
    struct isa_machine m = x->machine;
    const struct kern *k = x->subject->kernel;
    text_addf(t, "%s,%s,%s", k->name, x->subject->variant->name, k->contracts[x->contract].name);
    for (size_t i = 3; i + MACHINE_COLUMNS + 3 < p->columns.n; i++) {
        text_add(t, ",");
        add_parameter(x, p->columns.at[i], t);
    }
    for (unsigned i = 0; i < MACHINE_COLUMNS; i++)
        text_addf(t, ",%u", *isa_machine_parameter(&m, machine_columns[i], strlen(machine_columns[i])));
    text_addf(t, ",%u,%" PRIu64 ",%.6g", p->effort, p->seed, cost);
}

static bool add_row(struct sweep_plan *p, uint64_t index)
{
    const struct sweep_point x = sweep_point_at(p, index);
    struct sweep_row row = {.index = index, .cost = cost_of(&p->weights, &x.machine), .reason = ""};
    struct text key = {0};
    write_key(p, &x, row.cost, &key);
    row.key = text_ok(&key) ? arena_text(&p->arena, key.at, key.n) : NULL;
    text_free(&key);
    return row.key && vec_push(&p->rows, row);
}

/* All of the grid, or one point drawn from each of `sample` parts of it. */
static int add_rows(struct sweep_plan *p, uint64_t sample)
{
    const uint64_t all = points_of(p), n = sample && sample < all ? sample : all;
    struct rng rng = {p->seed};
    if (n > SWEEP_MAX_POINTS || all >= too_many)
        return tool_error("a sweep of more than %d points (--sample N takes some of them)", SWEEP_MAX_POINTS);
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t from = all / n * i + (all % n < i ? all % n : i);
        const uint64_t capacity = all / n + (i < all % n);
        if (!add_row(p, from + (n < all ? rng_next(&rng) % capacity : 0)))
            return no_memory();
    }
    return EXIT_FINE;
}

int sweep_plan_make(struct sweep_plan *p, const struct options *o)
{
    uint64_t effort, sample;
    if (!opt_number(o, OPT_EFFORT, KERN_EFFORTS - 1, KERN_QUICK, &effort) ||
        !opt_number(o, OPT_SAMPLE, SWEEP_MAX_POINTS, 0, &sample))
        return EXIT_USAGE;
    p->effort = (unsigned)effort;
    int status = set_weights(&p->weights, opt_text(o, OPT_COST));
    for (size_t i = 0; i < o->given.n && status == EXIT_FINE; i++)
        if (o->given.at[i].id == OPT_GRID || o->given.at[i].id == OPT_SET_GRID)
            status = o->given.at[i].id == OPT_GRID ? add_axes(p, true, "grid", o->given.at[i].text)
                                                   : add_axes(p, false, "set-grid", o->given.at[i].text);
    if (status == EXIT_FINE && p->axes.n > 60)
        status = tool_error("a grid of more than 60 parameters");
    if (status == EXIT_FINE)
        status = add_subjects(p, o);
    if (status == EXIT_FINE)
        status = check_axes(p);
    if (status == EXIT_FINE && !name_columns(p))
        status = no_memory();
    return status == EXIT_FINE ? add_rows(p, sample) : status;
}

void sweep_plan_free(struct sweep_plan *p)
{
    for (size_t i = 0; i < p->axes.n; i++)
        vec_free(&p->axes.at[i].values);
    vec_free(&p->axes);
    vec_free(&p->subjects);
    vec_free(&p->columns);
    vec_free(&p->rows);
    arena_free(&p->arena);
}

/* --- point ------------------------------------------------------------------------------- */

/* One point of a sweep: built, run, compared with the reference, and as a line of CSV. */

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
