#include <inttypes.h>
#include <stdio.h>

#include "sim/image.h"
#include "tools/commands/commands.h"
#include "tools/report.h"
#include "tools/session/job.h"

static void print_json(const struct kern_facts *facts, struct text *t)
{
    struct json_out j = {.text = t};
    json_open(&j, NULL, '{');
    for (unsigned i = 0; i < facts->n; i++) {
        const struct kern_fact *f = &facts->at[i];
        char fnv[24];
        switch (f->kind) {
        case KERN_NUMBER: json_number(&j, f->key, f->number); break;
        case KERN_FNV:
            (void)snprintf(fnv, sizeof fnv, "%016" PRIx64, f->number);
            json_text(&j, f->key, fnv);
            break;
        case KERN_WORDS:
            json_open(&j, f->key, '[');
            for (size_t w = 0; w < f->n; w++)
                json_number(&j, NULL, f->words[w]);
            json_close(&j, ']');
            break;
        }
    }
    json_close(&j, '}');
    text_add(t, "\n");
}

static void print_text(const struct kern_facts *facts, struct text *t)
{
    for (unsigned i = 0; i < facts->n; i++) {
        const struct kern_fact *f = &facts->at[i];
        text_addf(t, "%-18s", f->key);
        switch (f->kind) {
        case KERN_NUMBER: text_addf(t, " %" PRIu64, f->number); break;
        case KERN_FNV: text_addf(t, " %016" PRIx64, f->number); break;
        case KERN_WORDS:
            for (size_t w = 0; w < f->n; w++)
                text_addf(t, " %u", f->words[w]);
            break;
        }
        text_add(t, "\n");
    }
}

/* The image into the file, or what it is. */
static int write(const struct job *j, const struct options *o)
{
    const char *path = opt_text(o, OPT_OUTPUT);
    struct diag d;
    if (path && image_write(path, j->mem, j->mem_words, &d) != ST_OK)
        return tool_diag(&d);
    if (path && !opt_given(o, OPT_JSON))
        return EXIT_FINE;
    struct kern_facts facts;
    struct text t = {0};
    kern_facts(j->instance, &facts);
    if (opt_given(o, OPT_JSON))
        print_json(&facts, &t);
    else
        print_text(&facts, &t);
    return tool_print(&t);
}

static int gen(const struct options *o)
{
    struct job j = {0};
    int status = job_kernel(&j, o, o->operands[0], false);
    if (status == EXIT_FINE)
        status = job_instance(&j);
    if (status == EXIT_FINE)
        status = write(&j, o);
    job_free(&j);
    return status;
}

const struct command command_gen = {
    .name = "gen",
    .operands = "KERNEL",
    .doc = "write an instance's memory image, or say what it is",
    .min_operands = 1,
    .max_operands = 1,
    .options = OPT(SET) | OPT(SEED) | OPT(OUTPUT) | OPT(JSON),
    .run = gen,
};
