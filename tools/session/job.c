#include "tools/session/job.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/image.h"
#include "tools/report.h"

static int no_such_kernel(const char *name, size_t length)
{
    struct text t = {0};
    for (unsigned i = 0; kern_at(i); i++)
        text_addf(&t, "%s%s", i ? ", " : "", kern_at(i)->name);
    (void)tool_error("no kernel or file `%.*s` (kernels: %s)", (int)length, name, t.at ? t.at : "");
    text_free(&t);
    return EXIT_USAGE;
}

static int set_contract(struct job *j, const char *name)
{
    const struct kern *k = j->kernel;
    j->contract = name ? kern_find_contract(k, name) : kern_default_contract(k, &j->params);
    if (j->contract < k->n_contracts)
        return EXIT_FINE;
    struct text t = {0};
    for (unsigned i = 0; i < k->n_contracts; i++)
        text_addf(&t, "%s%s", i == 0 ? "" : i + 1 < k->n_contracts ? ", " : " or ", k->contracts[i].name);
    (void)tool_error("%s has no contract `%s`, expected %s", k->name, name, t.at ? t.at : "another");
    text_free(&t);
    return EXIT_USAGE;
}

static int set_variant(struct job *j, const char *name)
{
    const struct kern *k = j->kernel;
    j->variant = name ? kern_find_variant(k, name) : &k->variants[k->n_variants - 1];
    if (j->variant)
        return EXIT_FINE;
    struct text t = {0};
    for (unsigned i = 0; i < k->n_variants; i++)
        text_addf(&t, "%s%s", i ? ", " : "", k->variants[i].name);
    (void)tool_error("%s has no variant `%s`, expected %s", k->name, name, t.at ? t.at : "another");
    text_free(&t);
    return EXIT_USAGE;
}

int job_kernel(struct job *j, const struct options *o, const char *name, bool with_variant)
{
    enum { STANDARD_SEED = 123 };
    const size_t length = strcspn(name, ":");
    const char *variant = name[length] ? name + length + 1 : NULL;
    j->operand = name;
    j->kernel = kern_find(name, length);
    if (!j->kernel && (job_is_file(name) || access(name, F_OK) == 0))
        return tool_error(
            "%s is a file, expected a kernel (`sheaf kernels` lists them; asm and dis rewrite files)", name);
    if (!j->kernel)
        return no_such_kernel(name, length);
    if (variant && !with_variant)
        return tool_error("`%s`: expected a kernel without a variant", name);
    if (with_variant && set_variant(j, variant) != EXIT_FINE)
        return EXIT_USAGE;
    j->params = kern_defaults(j->kernel);
    struct diag d;
    for (size_t i = 0; i < o->given.n; i++)
        if (o->given.at[i].id == OPT_SET && kern_set(j->kernel, o->given.at[i].text, &j->params, &d) != ST_OK)
            return tool_diag(&d);
    if (!opt_number(o, OPT_SEED, UINT64_MAX, STANDARD_SEED, &j->seed))
        return EXIT_USAGE;
    j->machine = isa_default_machine();
    if (!opt_machine(o, &j->machine))
        return EXIT_USAGE;
    return set_contract(j, opt_text(o, OPT_CONTRACT));
}

static int read_record(struct job *j, const struct kern_request *rq, const char *path)
{
    if (!j->variant->make)
        return tool_error("--record: %s:%s leaves nothing to a record", j->kernel->name, j->variant->name);
    struct text title = {0};
    struct diag d;
    tuned_title(j->kernel, j->variant, rq, &title);
    const enum status status = text_ok(&title) ? tuned_load(path, title.at, &j->record, &d)
                                               : diag_set(&d, ST_NOMEM, "out of memory");
    text_free(&title);
    return status == ST_OK ? EXIT_FINE : tool_diag(&d);
}

/* "ir,schedule". */
static int set_dump(struct kern_dump *dump, const char *text)
{
    for (;;) {
        char name[32] = "";
        const size_t length = strcspn(text, ",");
        if (length < sizeof name)
            memcpy(name, text, length);
        const enum dump_pass pass = dump_find(name);
        if (pass == DUMP_PASSES)
            return tool_error(
                "--dump: no pass `%.*s`, expected ir, fold, graph, schedule, allocation or program",
                (int)length, text);
        dump->pass[pass] = true;
        if (text[length] == '\0')
            return EXIT_FINE;
        text += length + 1;
    }
}

bool job_workers(const struct options *o, uint64_t *workers)
{
    enum { MAX_JOBS = 256 };
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return opt_number(o, OPT_JOBS, MAX_JOBS, processors > 0 ? (uint64_t)processors : 1, workers);
}

int job_request(struct job *j, const struct options *o, struct kern_request *rq)
{
    uint64_t effort, threads;
    if (!opt_number(o, OPT_EFFORT, KERN_EFFORTS - 1, KERN_NORMAL, &effort) || !job_workers(o, &threads))
        return EXIT_USAGE;
    *rq = (struct kern_request){.params = j->params,
                                .contract = j->contract,
                                .machine = j->machine,
                                .effort = (unsigned)effort,
                                .threads = (unsigned)threads};
    const char *record = opt_text(o, OPT_RECORD), *dump = opt_text(o, OPT_DUMP);
    if (dump) {
        rq->dump = &j->dump;
        if (set_dump(rq->dump, dump) != EXIT_FINE)
            return EXIT_USAGE;
    }
    if (!record)
        return EXIT_FINE;
    rq->record = &j->record;
    return read_record(j, rq, record);
}

int job_build(struct job *j, const struct options *o)
{
    struct kern_request rq;
    struct diag d;
    int status = job_kernel(j, o, o->operands[0], true);
    if (status == EXIT_FINE)
        status = job_request(j, o, &rq);
    if (status != EXIT_FINE)
        return status;
    return kern_build(j->kernel, j->variant, &rq, &j->programs, &d) == ST_OK ? EXIT_FINE : tool_diag(&d);
}

/* A program from a file, or several that run one after the other on one machine. */
static int load(struct job *j, const char *path)
{
    struct diag d;
    struct prog_list programs;
    if (prog_load_list(path, &programs, &d) != ST_OK)
        return tool_diag(&d);
    enum status status = ST_OK;
    j->machine = programs.list.at[0].prog->machine;
    for (size_t i = 0; i < programs.list.n && status == ST_OK; i++) {
        struct prog_named *s = &programs.list.at[i];
        if (memcmp(&s->prog->machine, &j->machine, sizeof j->machine) != 0)
            status = diag_set(&d, ST_INPUT, "%s: its programs are for different machines", path);
        else
            status = kern_program_add(&j->programs, *s->name ? s->name : path, s->prog, NULL, &d);
        if (status != ST_INPUT)
            s->prog = NULL; /* the programs' now, or gone */
    }
    prog_list_free(&programs);
    return status == ST_OK ? EXIT_FINE : tool_diag(&d);
}

bool job_is_file(const char *operand)
{
    return strcmp(operand, "-") == 0 || strpbrk(operand, "./") ||
           (!kern_find(operand, strcspn(operand, ":")) && access(operand, F_OK) == 0);
}

/* The options that mean nothing to a program from a file without a kernel. */
static int refuse_problem_options(const struct options *o)
{
    static const enum opt ids[] = {OPT_SET, OPT_CONTRACT, OPT_SEED};
    static const char *const names[] = {"set", "contract", "seed"};
    if (opt_given(o, OPT_RECORD))
        return tool_error("--record is for a kernel's variant, not for a program from a file");
    for (unsigned i = 0; i < sizeof ids / sizeof *ids; i++)
        if (opt_given(o, ids[i]))
            return tool_error("--%s needs --kernel for a program from a file", names[i]);
    return EXIT_FINE;
}

int job_programs(struct job *j, const struct options *o)
{
    const char *operand = o->operands[0], *kernel = opt_text(o, OPT_KERNEL);
    if (!job_is_file(operand)) {
        if (kernel)
            return tool_error("--kernel %s: only for a program from a file, `%s` is a kernel", kernel,
                              operand);
        return job_build(j, o);
    }
    int status = kernel ? job_kernel(j, o, kernel, false) : refuse_problem_options(o);
    if (status == EXIT_FINE)
        status = load(j, operand);
    j->operand = operand;
    if (status == EXIT_FINE && !opt_machine(o, &j->machine))
        status = EXIT_USAGE;
    return status;
}

int job_instance(struct job *j)
{
    struct diag d;
    if (kern_instance_create(j->kernel, &j->params, j->contract, j->seed, &j->instance, &d) != ST_OK)
        return tool_diag(&d);
    j->mem = j->instance->image;
    j->mem_words = j->instance->words;
    return EXIT_FINE;
}

static bool has_texts(const struct kern_programs *programs)
{
    for (size_t i = 0; i < programs->list.n; i++)
        if (programs->list.at[i].prog->texts.n)
            return true;
    return false;
}

int job_open(struct job *j, const struct options *o)
{
    const char *mem = opt_text(o, OPT_MEM);
    if (mem && opt_given(o, OPT_KERNEL))
        return tool_error("expected --kernel or --mem, not both");
    const int status = job_programs(j, o);
    if (status != EXIT_FINE)
        return status;
    struct diag d;
    if (mem) {
        if (image_read(mem, &j->image, &j->mem_words, &d) != ST_OK)
            return tool_diag(&d);
        j->mem = j->image;
        return EXIT_FINE;
    }
    if (!j->kernel)
        return EXIT_FINE;
    if (job_instance(j) != EXIT_FINE)
        return EXIT_USAGE;
    if (has_texts(&j->programs) && !opt_given(o, OPT_NO_DEBUG) &&
        kern_values(j->instance, &j->values, &d) != ST_OK)
        return tool_diag(&d);
    return EXIT_FINE;
}

struct bound job_bound(const struct job *j)
{
    struct bound sum = {0};
    for (size_t i = 0; i < j->programs.list.n; i++) {
        const struct bound *b = &j->programs.list.at[i].bound;
        if (!b->cycles)
            return (struct bound){0};
        sum.work += b->work;
        sum.dep += b->dep;
        sum.live += b->live;
        sum.cycles += b->cycles;
    }
    return sum;
}

void job_operand_text(const char *operand, struct text *t)
{
    text_add(t, "program    ");
    text_add_shown(t, operand, 0, TEXT_WHOLE);
    text_add(t, "\n");
}

void job_text(const struct job *j, struct text *t)
{
    if (j->variant)
        text_addf(t, "kernel     %s:%s\n", j->kernel->name, j->variant->name);
    else
        job_operand_text(j->operand, t);
    if (!j->variant && j->kernel)
        text_addf(t, "kernel     %s\n", j->kernel->name);
    if (!j->kernel)
        return;
    text_add(t, "sizes      ");
    kern_params_text(j->kernel, &j->params, t);
    if (j->instance)
        text_addf(t, "; seed %" PRIu64, j->seed);
    const struct kern_contract *c = &j->kernel->contracts[j->contract];
    text_addf(t, "\ncontract   %s: %s\n", c->name, c->doc);
}

void job_json(const struct job *j, struct json_out *out)
{
    json_text(out, "program", j->operand);
    json_text(out, "kernel", j->kernel ? j->kernel->name : NULL);
    json_text(out, "variant", j->variant ? j->variant->name : NULL);
    json_text(out, "contract", j->kernel ? j->kernel->contracts[j->contract].name : NULL);
    if (!j->kernel)
        return;
    json_open(out, "parameters", '{');
    for (unsigned i = 0; i < j->kernel->n_params; i++)
        json_number(out, j->kernel->params[i].name, (uint64_t)j->params.at[i]);
    json_close(out, '}');
}

void job_free(struct job *j)
{
    kern_programs_free(&j->programs);
    kern_instance_destroy(j->instance);
    kern_values_free(&j->values);
    tuning_free(&j->record);
    text_free(&j->dump.text);
    free(j->image);
}
