#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "tools/commands/commands.h"
#include "tools/commands/diff_table.h"
#include "tools/commands/profile.h"
#include "traces/profile/divergence.h"

enum { MAX_PROFILE = 256 << 20 };

/* One of the two: a program, recorded, or a profile that was written before. */
struct side {
    struct options options; /* with this operand alone */
    const char *operand;
    char kernel[64]; /* of the other operand */
    struct job job;
    struct record record;
    bool recorded;
    json_t *profile;
};

struct diff {
    struct side a, b;
    struct divergence part;
    bool parted;    /* part and its programs are there */
    size_t program; /* the program they part in */
    bool compared;  /* both are programs */
};

static void side_free(struct side *s)
{
    record_free(&s->record);
    job_free(&s->job);
    json_decref(s->profile);
    vec_free(&s->options.given);
}

/* The options of one operand: a kernel needs no --kernel, and a program from a file is given the
 * kernel of the other operand, if that is one. */
static bool set_options(struct side *s, const struct options *o, unsigned operand)
{
    const char *other = o->operands[1 - operand];
    s->options = (struct options){.command = o->command, .operands = o->operands + operand, .n_operands = 1};
    s->operand = o->operands[operand];
    const bool file = job_is_file(s->operand), other_file = job_is_file(other);
    bool good = true;
    for (size_t i = 0; i < o->given.n; i++)
        if (file || o->given.at[i].id != OPT_KERNEL)
            good = vec_push(&s->options.given, o->given.at[i]) && good;
    (void)snprintf(s->kernel, sizeof s->kernel, "%.*s", (int)strcspn(other, ":"), other);
    if (file && !other_file && !opt_given(o, OPT_KERNEL) && !opt_given(o, OPT_MEM))
        good = vec_push(&s->options.given, (struct option_given){OPT_KERNEL, s->kernel}) && good;
    return good || (tool_error("out of memory"), false);
}

/* The file as a profile; false if it is none. */
static bool load_profile(struct side *s)
{
    char *text;
    size_t size;
    if (!job_is_file(s->operand) || strcmp(s->operand, "-") == 0 ||
        file_read_text(s->operand, MAX_PROFILE, &text, &size, NULL) != ST_OK)
        return false;
    const bool object = size && text[strspn(text, " \t\r\n")] == '{';
    s->profile = object ? json_loadb(text, size, 0, NULL) : NULL;
    free(text);
    if (s->profile && (json_object_get(s->profile, "holes") || json_object_get(s->profile, "programs")))
        return true;
    json_decref(s->profile);
    s->profile = NULL;
    return false;
}

static int open_side(struct side *s, const struct options *o, unsigned operand)
{
    if (!set_options(s, o, operand))
        return EXIT_USAGE;
    if (load_profile(s))
        return EXIT_FINE;
    struct text t = {0};
    int status = job_open(&s->job, &s->options);
    if (status == EXIT_FINE)
        status = record_job(&s->job, &s->options, &s->record);
    s->recorded = status == EXIT_FINE;
    if (status == EXIT_FINE)
        status = profile_print_json(&s->job, &s->record, &s->options, &t);
    if (status == EXIT_FINE) {
        s->profile = text_ok(&t) ? json_loadb(t.at, t.n, 0, NULL) : NULL;
        if (!s->profile)
            status = tool_error("out of memory for the profile of %s", s->operand);
    }
    text_free(&t);
    return status;
}

/* The first program in which the two part. */
static int find_divergence(struct diff *x)
{
    const struct record *a = &x->a.record, *b = &x->b.record;
    struct diag d;
    x->compared = x->a.recorded && x->b.recorded;
    for (size_t i = 0; x->compared && i < a->programs.n && i < b->programs.n && !x->parted; i++) {
        if (divergence_find(&a->programs.at[i].history, &b->programs.at[i].history, &x->part, &d) != ST_OK)
            return tool_diag(&d);
        x->parted = x->part.found;
        x->program = i;
    }
    return EXIT_FINE;
}

/* --- text ------------------------------------------------------------------------- */

/* What a slot reads, word by word of its first lane concerned. */
static void operands_text(const struct history *h, uint32_t slot, uint32_t lane, struct text *t)
{
    const struct isa_effects fx = isa_effects(hist_isa(h, slot), h->machine.vlen);
    for (unsigned i = 0; i < fx.reads; i++) {
        const uint32_t word = (uint32_t)fx.read[i].first + (fx.read[i].n > 1 ? lane : 0);
        uint32_t value, from;
        const bool known = part_read_value(h, slot, word, &value, &from);
        text_add(t, "       reads ");
        prog_address_text(h->prog, word, t);
        text_addf(t, " = %u", value);
        if (known)
            text_addf(t, ", written in cycle %" PRIu64 " by bundle %u", h->first_cycle + hist_cycle(h, from),
                      h->bundles.at[h->slots.at[from].bundle].bundle);
        else
            text_add(t, ", which nothing wrote before");
        text_add(t, "\n");
    }
}

/* Its place in its bundle, among the slots of its engine. */
static uint32_t slot_in_engine(const struct history *h, uint32_t slot)
{
    uint32_t n = 0;
    for (uint32_t s = h->bundles.at[h->slots.at[slot].bundle].first_slot; s < slot; s++)
        n += h->slots.at[s].engine == h->slots.at[slot].engine;
    return n;
}

static void side_text(const char *name, const struct history *h, const struct divergence_side *s,
                      struct text *t)
{
    if (!s->there) {
        text_addf(t, "  %s    has no such write\n", name);
        return;
    }
    const struct hist_bundle *b = &h->bundles.at[h->slots.at[s->slot].bundle];
    text_addf(t, "  %s    %u: cycle %" PRIu64 ", bundle %u, %s slot %u: ", name, s->value,
              h->first_cycle + b->cycle, b->bundle,
              isa_engine_name((enum isa_engine)h->slots.at[s->slot].engine), slot_in_engine(h, s->slot));
    profile_slot_text(h, s->slot, t);
    text_add(t, "\n");
    operands_text(h, s->slot, s->lane, t);
}

static void divergence_text(const struct diff *x, struct text *t)
{
    const struct divergence *p = &x->part;
    if (!x->compared)
        return;
    if (!x->parted) {
        text_addf(t, "values     the same: %zu writes to %s agree\n", p->compared,
                  p->by == DIVERGENCE_MEMORY ? "memory" : "memory and scratch");
        return;
    }
    const struct program_record *a = &x->a.record.programs.at[x->program],
                                *b = &x->b.record.programs.at[x->program];
    text_addf(t, "diverges   write %u to %s (compared: memory%s%s", p->nth, p->place,
              p->by == DIVERGENCE_MEMORY ? "" : " and ",
              p->by == DIVERGENCE_MEMORY ? "" : divergence_by_name(p->by));
    if (x->a.record.programs.n > 1) {
        text_add(t, "; program ");
        text_add_shown(t, b->program->name, 0, TEXT_WHOLE);
    }
    text_add(t, ")\n");
    side_text("A", &a->history, &p->a, t);
    side_text("B", &b->history, &p->b, t);
}

static void result_text(const char *name, const struct side *s, struct text *t)
{
    const struct record *r = &s->record;
    text_addf(t, "%s          ", name);
    text_add_shown(t, s->operand, 0, TEXT_WHOLE);
    text_addf(t, "%s\n",
              !s->recorded                  ? " (a profile)"
              : r->fault.kind != FAULT_NONE ? ": fault"
              : r->wrong                    ? ": wrong result"
              : r->checked                  ? ": correct"
                                            : "");
    if (s->recorded && r->fault.kind != FAULT_NONE)
        text_addf(t, "           %s\n", r->fault_text.at ? r->fault_text.at : "");
}

/* --- JSON ------------------------------------------------------------------------- */

static void side_json(const char *key, const struct history *h, const struct divergence_side *s,
                      struct json_out *j)
{
    if (!s->there) {
        json_text(j, key, NULL);
        return;
    }
    const struct hist_bundle *b = &h->bundles.at[h->slots.at[s->slot].bundle];
    struct text text = {0};
    profile_slot_text(h, s->slot, &text);
    json_open(j, key, '{');
    json_number(j, "value", s->value);
    json_number(j, "cycle", h->first_cycle + b->cycle);
    json_number(j, "bundle", b->bundle);
    json_text(j, "engine", isa_engine_name((enum isa_engine)h->slots.at[s->slot].engine));
    json_number(j, "slot", slot_in_engine(h, s->slot));
    json_text(j, "text", text.at);
    json_close(j, '}');
    text_free(&text);
}

/* How each side ended: its fault, if it had one, and whether its result is right. */
static void result_json(const char *key, const struct diff *x, struct json_out *j)
{
    const struct side *const sides[] = {&x->a, &x->b};
    json_open(j, key, '[');
    for (unsigned i = 0; i < 2; i++) {
        const struct record *r = &sides[i]->record;
        json_open(j, NULL, '{');
        if (sides[i]->recorded && r->checked)
            json_bool(j, "correct", !r->wrong);
        else
            json_text(j, "correct", NULL);
        json_open(j, "faults", '[');
        if (sides[i]->recorded)
            json_fault(&r->fault, j);
        json_close(j, ']');
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void print_json(const struct diff *x, struct text *t)
{
    struct json_out j = {.text = t};
    json_open(&j, NULL, '{');
    json_text(&j, "a", x->a.operand);
    json_text(&j, "b", x->b.operand);
    result_json("results", x, &j);
    if (x->compared)
        json_text(&j, "compared", divergence_by_name(x->part.by));
    if (x->parted) {
        json_open(&j, "divergence", '{');
        json_text(&j, "program", x->b.record.programs.at[x->program].program->name);
        json_text(&j, "place", x->part.place);
        json_number(&j, "write", x->part.nth);
        side_json("a", &x->a.record.programs.at[x->program].history, &x->part.a, &j);
        side_json("b", &x->b.record.programs.at[x->program].history, &x->part.b, &j);
        json_close(&j, '}');
    } else {
        json_text(&j, "divergence", NULL);
    }
    diff_table_json(x->a.profile, x->b.profile, "figures", &j);
    json_close(&j, '}');
    text_add(t, "\n");
}

/* A side that failed makes the status, so that a wrong program is seen by scripts. */
static int status_of(const struct diff *x)
{
    const struct side *const sides[] = {&x->a, &x->b};
    int status = EXIT_FINE;
    for (unsigned i = 0; i < 2; i++)
        if (sides[i]->recorded && sides[i]->record.fault.kind != FAULT_NONE)
            status = EXIT_FAULTED;
        else if (sides[i]->recorded && sides[i]->record.wrong && status == EXIT_FINE)
            status = EXIT_FAILED;
    return status;
}

static int run(const struct options *o)
{
    struct diff x = {.parted = false};
    struct text t = {0};
    int status = open_side(&x.a, o, 0);
    if (status == EXIT_FINE)
        status = open_side(&x.b, o, 1);
    if (status == EXIT_FINE)
        status = find_divergence(&x);
    if (status == EXIT_FINE && opt_given(o, OPT_JSON)) {
        print_json(&x, &t);
        status = tool_print(&t);
    } else if (status == EXIT_FINE) {
        result_text("A", &x.a, &t);
        result_text("B", &x.b, &t);
        divergence_text(&x, &t);
        text_add(&t, "\n");
        diff_table_text(x.a.profile, x.b.profile, &t);
        status = tool_print(&t);
    }
    if (status == EXIT_FINE)
        status = status_of(&x);
    side_free(&x.a);
    side_free(&x.b);
    return status;
}

const struct command command_diff = {
    .name = "diff",
    .operands = "A B",
    .doc = "compare two programs (or two profiles); report the first value that differs",
    .min_operands = 2,
    .max_operands = 2,
    .options = OPT(SET) | OPT(SEED) | OPT(CONTRACT) | OPT(KERNEL) | OPT(MEM) | OPT(CYCLE_LIMIT) |
               OPT(STRICT) | OPT(PAUSE) | OPT(NO_DEBUG) | OPT(MACHINE) | OPT(CORES) | OPT(SCRATCH) |
               OPT(EFFORT) | OPT(JOBS) | OPT(CYCLES) | OPT(BY) | OPT(JSON),
    .run = run,
};
