#include "tools/commands/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/commands/commands.h"
#include "tools/report.h"
#include "tools/session/job.h"

/* --- reports ---------------------------------------------------------------------- */

/* A word for a shell: as it is, in quotes, or with its controls as octal digits. */
static void shell_word(const char *s, struct text *t)
{
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,+-@%";
    char shown[TEXT_SHOWN];
    bool controls = false;
    size_t used;
    for (size_t i = 0; s[i]; i += used)
        controls |= text_show(shown, s + i, strlen(s + i), &used) != used;
    if (!controls && *s && !s[strspn(s, harmless)]) {
        text_add(t, s);
        return;
    }
    text_add(t, controls ? "$'" : "'");
    for (size_t i = 0; s[i]; i += used) {
        const bool control = text_show(shown, s + i, strlen(s + i), &used) != used;
        for (size_t k = 0; control && k < used; k++)
            text_addf(t, "\\%03o", (unsigned)(unsigned char)s[i + k]);
        if (control)
            continue;
        if (s[i] == '\'' || (controls && s[i] == '\\'))
            text_add(t, controls ? "\\" : "'\\'");
        text_add_n(t, s + i, used);
    }
    text_add(t, "'");
}

/* The file as `run` takes it for one: neither an option nor a kernel. */
static void file_word(const char *path, struct text *t)
{
    struct text word = {0};
    if (*path == '-' || !strpbrk(path, "./"))
        text_add(&word, "./");
    text_add(&word, path);
    shell_word(word.at ? word.at : path, t);
    text_free(&word);
}

/* Where the program asks for another machine than it was judged on, what it must not have. */
static void machine_text(const struct isa_machine *judged, const struct isa_machine *asked, struct text *t)
{
    static const char *const others[] = {"vlen", "scratch", "cores"};
    struct isa_machine a = *judged, b = *asked;
    struct text name = {0};
    const char *before = " --machine ";
    for (unsigned i = 0; i < 2 * ISA_ENGINES + sizeof others / sizeof *others; i++) {
        name.n = 0;
        if (i >= 2 * ISA_ENGINES)
            text_add(&name, others[i - 2 * ISA_ENGINES]);
        else
            text_addf(&name, "%s%s", isa_engine_name((enum isa_engine)(i / 2)), i % 2 ? "_latency" : "");
        const uint32_t *x = text_ok(&name) ? isa_machine_parameter(&a, name.at, name.n) : NULL;
        const uint32_t *y = x ? isa_machine_parameter(&b, name.at, name.n) : NULL;
        if (!x || !y || *x == *y)
            continue;
        text_addf(t, "%s%s=%u", before, name.at, *x);
        before = ",";
    }
    text_free(&name);
}

/* Parameters as --set and a request's "set" want them: no spaces. */
static void set_text(const struct kern *k, const struct kern_params *p, struct text *t)
{
    struct text params = {0};
    kern_params_text(k, p, &params);
    for (size_t i = 0; i < params.n; i++)
        if (params.at[i] != ' ')
            text_add_n(t, params.at + i, 1);
    text_free(&params);
}

/* "sheaf run PROGRAM --kernel tree_hash --set bits=32 --seed 5": the input that failed, and all that its
 * verdict depends on. */
static void again_text(const struct judge_rules *r, const struct judge_result *x, const char *program,
                       struct text *t)
{
    text_add(t, "sheaf run ");
    file_word(program, t);
    text_addf(t, " --kernel %s --contract %s --seed %" PRIu64 " --set ", r->kernel->name,
              r->kernel->contracts[r->contract].name, x->seed);
    set_text(r->kernel, &x->params, t);
    machine_text(&r->machine, &x->asked, t);
    text_addf(t, " --cycle-limit %" PRIu64 " --no-debug%s", r->cycle_limit, r->strict ? " --strict" : "");
}

static bool has_input(const struct judge_result *x)
{
    return x->verdict == JUDGE_WRONG || x->verdict == JUDGE_FAULT ||
           (x->verdict == JUDGE_LIMIT && (x->limit == JUDGE_CYCLES || x->limit == JUDGE_WORK));
}

/* How many inputs have which shape, on lines of at most 80 columns. */
static void print_shapes(const struct kern *k, const struct judge_result *x, struct text *t)
{
    enum { COLUMNS = 80 };
    const unsigned shape = kern_shape(k), n = shape < k->n_params ? kern_choices(&k->params[shape]) : 0;
    size_t line = t->n;
    text_add(t, n ? "shapes    " : "");
    for (unsigned c = 0, listed = 0; c < n && c < JUDGE_MAX_SHAPES; c++) {
        if (!x->shaped[c])
            continue;
        char item[64];
        (void)snprintf(item, sizeof item, "%s %u %s", listed++ ? "," : "", x->shaped[c],
                       k->params[shape].choices[c].name);
        if (t->n - line + strlen(item) >= COLUMNS) {
            text_add(t, ",\n          ");
            line = t->n - strlen("          ");
            (void)memmove(item, item + 1, strlen(item));
        }
        text_add(t, item);
    }
    text_add(t, n ? "\n" : "");
}

/* Whether `run` can be asked for the input that failed: not of a program from standard input. */
static bool has_again(const struct judge_result *x, const char *program)
{
    return has_input(x) && strcmp(program, "-") != 0;
}

static void print_text(const struct judge_rules *r, const struct judge_result *x, const char *program,
                       struct text *t)
{
    job_operand_text(program, t);
    text_addf(t, "kernel     %s\nsizes      ", r->kernel->name);
    kern_params_text(r->kernel, &r->params, t);
    const struct kern_contract *c = &r->kernel->contracts[r->contract];
    text_addf(t, "\ncontract   %s: %s\n", c->name, c->doc);
    text_addf(t, "inputs     %u of %u ran to their end, ", x->ran, r->inputs);
    if (r->seeded)
        text_addf(t, "seeds from %" PRIu64 " on\n", r->seed);
    else
        text_add(t, "seeds from the system's randomness\n");
    print_shapes(r->kernel, x, t);
    if (x->ran && x->fewest != x->cycles)
        text_addf(t, "cycles     %" PRIu64 " at worst, %" PRIu64 " at best\n", x->cycles, x->fewest);
    else if (x->ran)
        text_addf(t, "cycles     %" PRIu64 "\n", x->cycles);
    for (unsigned i = 0; i < x->n_thresholds; i++)
        text_addf(t, "%-10s below %7u  %s\n", i ? "" : "thresholds", x->threshold[i].cycles,
                  x->threshold[i].passed ? "yes" : "no");
    for (unsigned i = 0; i < x->n_warnings; i++)
        text_addf(t, "warning    %s\n", x->warning[i]);
    text_addf(t, "verdict    %s", judge_verdict_name(x->verdict));
    if (x->verdict == JUDGE_LIMIT)
        text_addf(t, " of %s", judge_limit_name(x->limit));
    text_addf(t, "%s%s\n", *x->why ? ": " : "", x->why);
    if (has_again(x, program)) {
        text_add(t, "again      ");
        again_text(r, x, program, t);
        text_add(t, "\n");
    }
}

static void json_failure(const struct judge_rules *r, const struct judge_result *x, struct json_out *j)
{
    if (!has_input(x))
        return;
    json_number(j, "input", x->input);
    json_number(j, "seed", x->seed);
    const unsigned shape = kern_shape(r->kernel);
    if (shape < r->kernel->n_params)
        json_text(j, "shape", kern_choice_name(&r->kernel->params[shape], x->params.at[shape]));
    json_open(j, "parameters", '{');
    for (unsigned i = 0; i < r->kernel->n_params; i++)
        json_number(j, r->kernel->params[i].name, (uint64_t)x->params.at[i]);
    json_close(j, '}');
    struct text set = {0};
    set_text(r->kernel, &x->params, &set);
    json_text(j, "set", set.at);
    text_free(&set);
    if (x->verdict == JUDGE_WRONG) {
        json_open(j, "wrong", '{');
        json_text(j, "array", x->wrong.array);
        json_number(j, "index", x->wrong.index);
        json_number(j, "found", x->wrong.found);
        json_number(j, "expected", x->wrong.expected);
        json_close(j, '}');
        return;
    }
    json_open(j, "fault", '{');
    json_text(j, "kind", sim_fault_name(x->fault.kind));
    json_number(j, "cycle", x->fault.cycle);
    json_number(j, "bundle", (uint64_t)x->fault.pc);
    json_text(j, "engine", x->fault.engine == ISA_ENGINES ? NULL : isa_engine_name(x->fault.engine));
    json_number(j, "slot", x->fault.slot);
    json_text(j, "what", x->fault.what);
    json_close(j, '}');
}

static void json_shapes(const struct kern *k, const struct judge_result *x, struct json_out *j)
{
    const unsigned shape = kern_shape(k), n = shape < k->n_params ? kern_choices(&k->params[shape]) : 0;
    json_open(j, "shapes", '{');
    for (unsigned c = 0; c < n && c < JUDGE_MAX_SHAPES; c++)
        if (x->shaped[c])
            json_number(j, k->params[shape].choices[c].name, x->shaped[c]);
    json_close(j, '}');
}

static void json_rules(const struct judge_rules *r, struct json_out *j)
{
    static const char *const keys[] = {"inputs", "kernel", "contract", "seeds_known", "first_seed"};
    for (unsigned i = 0; !r->kernel && i < sizeof keys / sizeof *keys; i++)
        json_text(j, keys[i], NULL);
    if (!r->kernel)
        return;
    json_number(j, "inputs", r->inputs);
    json_text(j, "kernel", r->kernel->name);
    json_text(j, "contract", r->kernel->contracts[r->contract].name);
    json_bool(j, "seeds_known", r->seeded);
    if (r->seeded)
        json_number(j, "first_seed", r->seed);
    else
        json_text(j, "first_seed", NULL);
}

void judge_json(const struct judge_rules *r, const struct judge_result *x, struct json_out *j)
{
    json_text(j, "verdict", judge_verdict_name(x->verdict));
    json_text(j, "limit", x->verdict == JUDGE_LIMIT ? judge_limit_name(x->limit) : NULL);
    if (x->ran)
        json_number(j, "cycles", x->cycles);
    else
        json_text(j, "cycles", NULL);
    json_number(j, "fewest", x->fewest);
    json_rules(r, j);
    json_number(j, "ran", x->ran);
    if (r->kernel)
        json_shapes(r->kernel, x, j);
    json_text(j, "why", *x->why ? x->why : NULL);
    json_failure(r, x, j);
    json_open(j, "thresholds", '[');
    for (unsigned i = 0; i < x->n_thresholds; i++) {
        json_open(j, NULL, '{');
        json_number(j, "cycles", x->threshold[i].cycles);
        json_bool(j, "passed", x->threshold[i].passed);
        json_close(j, '}');
    }
    json_close(j, ']');
    json_open(j, "warnings", '[');
    for (unsigned i = 0; i < x->n_warnings; i++)
        json_text(j, NULL, x->warning[i]);
    json_close(j, ']');
}

static int tamper_report(const struct options *o)
{
    struct text t = {0};
    struct json_out j = {.text = &t};
    const bool as_json = opt_given(o, OPT_JSON);
    const struct judge_concern *c;
    if (as_json)
        json_open(&j, NULL, '[');
    for (unsigned i = 0; (c = judge_concern(i)); i++) {
        if (!as_json) {
            text_addf(&t, "%2u  %s\n    %s\n", i + 1, c->worry, c->answer);
            continue;
        }
        json_open(&j, NULL, '{');
        json_text(&j, "worry", c->worry);
        json_text(&j, "answer", c->answer);
        json_close(&j, '}');
    }
    if (as_json) {
        json_close(&j, ']');
        text_add(&t, "\n");
    }
    return tool_print(&t);
}

/* --- the command ------------------------------------------------------------------ */

static int rules_of(const struct options *o, const struct job *j, struct serve_rules *rules)
{
    uint64_t inputs, size;
    struct judge_rules *r = &rules->judge;
    *r = judge_default_rules(j->kernel);
    r->params = j->params;
    r->contract = j->contract;
    r->machine = j->machine;
    r->strict = opt_given(o, OPT_STRICT);
    r->seeded = opt_given(o, OPT_SEED);
    r->seed = j->seed;
    if (!opt_number(o, OPT_INPUTS, JUDGE_MAX_INPUTS, r->inputs, &inputs) ||
        !opt_number(o, OPT_CYCLE_LIMIT, UINT64_MAX - 1, r->cycle_limit, &r->cycle_limit) ||
        !opt_number(o, OPT_TIME_LIMIT, UINT32_MAX, r->time_limit, &r->time_limit) ||
        !opt_number(o, OPT_SIZE_LIMIT, UINT32_MAX, JUDGE_SIZE_LIMIT, &size))
        return EXIT_USAGE;
    if (inputs == 0)
        return tool_error("--inputs 0: expected at least 1");
    r->inputs = (uint32_t)inputs;
    rules->contract_given = opt_given(o, OPT_CONTRACT);
    rules->size_limit = size;
    return EXIT_FINE;
}

/* The program of a file, or the verdict on it. A file that cannot be opened is the caller's mistake. */
static int load(const struct judge_rules *r, const char *path, size_t size_limit, struct prog **out,
                struct judge_result *result)
{
    struct diag d;
    const size_t readable = judge_readable(r);
    const enum status status = prog_load_within(path, size_limit < readable ? size_limit : readable, out, &d);
    if (status == ST_LIMIT && readable < size_limit) {
        judge_out_of_time(r, result);
        return EXIT_FINE;
    }
    if (status == ST_IO)
        return tool_diag(&d);
    if (status != ST_OK)
        judge_reject(status, &d, result);
    return EXIT_FINE;
}

static int judge(const struct serve_rules *rules, const char *path, struct judge_result *result)
{
    const struct judge_rules *r = &rules->judge;
    struct judge_inputs in = {.n = 0};
    struct prog *p = NULL;
    struct diag d;
    int status = load(r, path, rules->size_limit, &p, result);
    if (status == EXIT_FINE && p) {
        const struct deadline deadline = judge_deadline(r);
        const enum status made = judge_inputs_create(r, &deadline, &in, &d);
        if (made == ST_LIMIT)
            judge_out_of_time(r, result);
        else if (made != ST_OK || judge_program(r, &deadline, &in, p, result, &d) != ST_OK)
            status = tool_diag(&d);
    }
    judge_inputs_free(&in);
    prog_destroy(p);
    return status;
}

static int report(const struct options *o, const struct judge_rules *r, const struct judge_result *x)
{
    struct text t = {0}, again = {0};
    struct json_out j = {.text = &t};
    if (opt_given(o, OPT_JSON)) {
        json_open(&j, NULL, '{');
        json_text(&j, "program", o->operands[0]);
        judge_json(r, x, &j);
        if (has_again(x, o->operands[0]))
            again_text(r, x, o->operands[0], &again);
        json_text(&j, "again", again.at);
        json_close(&j, '}');
        text_add(&t, "\n");
    } else {
        print_text(r, x, o->operands[0], &t);
    }
    text_free(&again);
    const int status = tool_print(&t);
    return status != EXIT_FINE ? status : x->verdict == JUDGE_PASS ? EXIT_FINE : EXIT_FAILED;
}

static int run(const struct options *o)
{
    struct job job = {0};
    struct serve_rules rules;
    struct judge_result result = {.verdict = JUDGE_REJECTED};
    const char *kernel = opt_text(o, OPT_KERNEL);
    if (opt_given(o, OPT_TAMPER))
        return tamper_report(o);
    const bool serve = opt_given(o, OPT_SERVE);
    if (serve == (o->n_operands == 1))
        return tool_error("judge: expected %s", serve ? "no PROGRAM with --serve" : "PROGRAM or --serve");
    int status = job_kernel(&job, o, kernel ? kernel : kern_at(0)->name, false);
    if (status == EXIT_FINE)
        status = rules_of(o, &job, &rules);
    if (status == EXIT_FINE && serve)
        status = judge_serve(&rules);
    else if (status == EXIT_FINE && (status = judge(&rules, o->operands[0], &result)) == EXIT_FINE)
        status = report(o, &rules.judge, &result);
    job_free(&job);
    return status;
}

const struct command command_judge = {
    .name = "judge",
    .operands = "[PROGRAM]",
    .doc = "score an untrusted program on fresh inputs: verdict, worst cycles, thresholds",
    .min_operands = 0,
    .max_operands = 1,
    .options = OPT(SET) | OPT(SEED) | OPT(CONTRACT) | OPT(KERNEL) | OPT(CYCLE_LIMIT) | OPT(STRICT) |
               OPT(MACHINE) | OPT(SCRATCH) | OPT(INPUTS) | OPT(TIME_LIMIT) | OPT(SIZE_LIMIT) | OPT(SERVE) |
               OPT(TAMPER) | OPT(JSON),
    .run = run,
};
