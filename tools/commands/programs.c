#include "tools/commands/programs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "traces/profile/traffic.h"

/* Rounded down, then one more to those that lose most by it (Hamilton's method). */
static void share_cycles(struct program_table *t)
{
    unsigned left = t->cycles ? 1000 : 0;
    for (size_t i = 0; i < t->rows.n && t->cycles; i++) {
        t->rows.at[i].permille = (unsigned)(t->rows.at[i].cycles * 1000 / t->cycles);
        left -= t->rows.at[i].permille;
    }
    for (; left; left--) {
        struct program_row *best = &t->rows.at[0];
        uint64_t most = 0;
        for (size_t i = 0; i < t->rows.n; i++) {
            struct program_row *row = &t->rows.at[i];
            const uint64_t exact = row->cycles * 1000, given = row->permille * t->cycles;
            if (exact > given && exact - given > most) {
                most = exact - given;
                best = row;
            }
        }
        best->permille++;
    }
}

static int find_row(const struct job *j, const struct program_record *s, struct program_row *row)
{
    const struct profile_request rq = record_request(j, s, BREAKDOWN_KINDS);
    struct profile p;
    struct traffic moved;
    struct diag d;
    enum status status = profile_make(&s->history, &rq, &p, &d);
    if (status == ST_OK)
        status = traffic_find(&s->history, &moved, &d);
    if (status == ST_OK) {
        const uint64_t words = moved.in + moved.out, most = moved.in > moved.out ? moved.in : moved.out;
        *row = (struct program_row){.cycles = s->cycles,
                                    .words = words,
                                    .io = (uint32_t)((most + TRAFFIC_RATE - 1) / TRAFFIC_RATE),
                                    .work = p.limits.work,
                                    .dep = p.limits.dep,
                                    .class = advice_class_name(p.advice.class)};
        (void)snprintf(row->name, sizeof row->name, "%s", s->program->name);
        for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
            const uint64_t slots = (uint64_t)j->machine.slots[e] * j->machine.cores;
            row->used[e] = p.engine[e].used;
            row->capacity[e] = p.engine[e].capacity;
            row->engine_work[e] = slots ? (uint32_t)((row->used[e] + slots - 1) / slots) : 0;
        }
        if (p.advice.n)
            (void)snprintf(row->advice, sizeof row->advice, "%s", p.advice.item[0].text);
    }
    profile_free(&p);
    return status == ST_OK ? EXIT_FINE : tool_diag(&d);
}

int programs_find(const struct job *j, const struct record *r, uint64_t launch, struct program_table *out)
{
    *out = (struct program_table){.cycles = r->cycles, .launch = launch * r->programs.n};
    for (size_t i = 0; i < r->programs.n; i++) {
        struct program_row row;
        const int status = find_row(j, &r->programs.at[i], &row);
        if (status != EXIT_FINE)
            return status;
        if (!vec_push(&out->rows, row))
            return tool_error("out of memory for the table");
    }
    share_cycles(out);
    return EXIT_FINE;
}

void programs_free(struct program_table *t)
{
    vec_free(&t->rows);
}

uint64_t programs_fused_bound(const struct program_table *t)
{
    uint64_t most = 0;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < t->rows.n; i++)
            sum += t->rows.at[i].engine_work[e];
        most = sum > most ? sum : most;
    }
    return most;
}

uint64_t programs_apart_bound(const struct program_table *t)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < t->rows.n; i++) {
        uint32_t most = 0;
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            most = t->rows.at[i].engine_work[e] > most ? t->rows.at[i].engine_work[e] : most;
        sum += most;
    }
    return sum;
}

/* --- text ------------------------------------------------------------------------- */

void programs_head(struct text *t)
{
    text_add(t,
             "                     cycles   share    words words/c  peak    alu   valu   load  store   flow"
             "       io     work      dep  ratio  class\n");
}

static double ratio(uint64_t a, uint64_t b)
{
    return b ? (double)a / (double)b : 0;
}

static void row_text(const struct program_row *r, const char *indent, unsigned permille, struct text *t)
{
    const unsigned width = 16 - (unsigned)strlen(indent);
    text_add(t, indent);
    text_add_shown(t, r->name, width, width);
    text_addf(t, " %10" PRIu64 " %5u.%u %% %8" PRIu64 " %7.2f %4.0f %%", r->cycles, permille / 10,
              permille % 10, r->words, ratio(r->words, r->cycles),
              50 * ratio(r->words, r->cycles) / TRAFFIC_RATE);
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        text_addf(t, " %4.0f %%", 100 * ratio(r->used[e], r->capacity[e]));
    const uint32_t bound = r->work > r->dep ? r->work : r->dep;
    text_addf(t, " %8u %8u %8u %6.2f  %s\n", r->io, r->work, r->dep, ratio(r->cycles, bound), r->class);
}

void programs_text(const struct program_table *s, const char *name, uint64_t before, struct text *t)
{
    if (s->rows.n == 1) {
        struct program_row row = s->rows.at[0];
        (void)snprintf(row.name, sizeof row.name, "%s", name);
        row_text(&row, "", 1000, t);
    } else {
        text_add_shown(t, name, 16, TEXT_WHOLE);
        text_addf(t, " %10" PRIu64 "  100.0 %%   %zu programs", s->cycles, s->rows.n);
        text_addf(t, "; fused no more than %" PRIu64 " of work, apart %" PRIu64 "\n", programs_fused_bound(s),
                  programs_apart_bound(s));
        for (size_t i = 0; i < s->rows.n; i++)
            row_text(&s->rows.at[i], "  ", s->rows.at[i].permille, t);
    }
    if (s->launch)
        text_addf(t, "  %-14s %10" PRIu64 "  for starting %zu programs; %" PRIu64 " with them\n", "launches",
                  s->launch, s->rows.n, s->cycles + s->launch);
    if (before)
        text_addf(t, "  %-14s %+10" PRId64 "  %.2f times as fast as the one above\n", "change",
                  (int64_t)s->cycles - (int64_t)before, ratio(before, s->cycles));
}

void programs_json(const struct program_table *s, const char *name, struct json_out *j)
{
    json_open(j, NULL, '{');
    json_text(j, "variant", name);
    json_number(j, "cycles", s->cycles);
    json_number(j, "launch_cycles", s->launch);
    json_number(j, "fused_bound", programs_fused_bound(s));
    json_number(j, "apart_bound", programs_apart_bound(s));
    json_open(j, "stages", '[');
    for (size_t i = 0; i < s->rows.n; i++) {
        const struct program_row *r = &s->rows.at[i];
        json_open(j, NULL, '{');
        json_text(j, "name", r->name);
        json_number(j, "cycles", r->cycles);
        json_decimal(j, "percent", r->permille / 10.0);
        json_number(j, "words", r->words);
        json_decimal(j, "words_a_cycle", ratio(r->words, r->cycles));
        json_open(j, "utilization", '{');
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            json_decimal(j, isa_engine_name((enum isa_engine)e), ratio(r->used[e], r->capacity[e]));
        json_close(j, '}');
        json_number(j, "io", r->io);
        json_number(j, "work", r->work);
        json_number(j, "dep", r->dep);
        json_text(j, "class", r->class);
        json_text(j, "advice", *r->advice ? r->advice : NULL);
        json_close(j, '}');
    }
    json_close(j, ']');
    json_close(j, '}');
}

/* --- the ladder ------------------------------------------------------------------- */

/* One variant, run and recorded. */
static int climb(const struct options *o, const char *kernel, const char *variant, uint64_t launch,
                 struct program_table *table)
{
    struct job job = {0};
    struct record r = {.cycles = 0};
    struct text name = {0};
    text_addf(&name, "%s:%s", kernel, variant);
    const char *operand = name.at;
    struct options one = *o;
    one.operands = &operand;
    int status = text_ok(&name) ? job_open(&job, &one) : tool_error("out of memory");
    if (status == EXIT_FINE)
        status = record_job(&job, &one, &r);
    if (status == EXIT_FINE)
        status = programs_find(&job, &r, launch, table);
    if (status == EXIT_FINE)
        status = record_status(&r);
    record_free(&r);
    job_free(&job);
    text_free(&name);
    return status;
}

/* All variants, from the first: text, or the items of a list. */
static int climb_all(const struct options *o, const struct kern *k, uint64_t launch, struct text *t,
                     struct json_out *j)
{
    uint64_t before = 0;
    int status = EXIT_FINE;
    for (unsigned v = 0; v < k->n_variants && status == EXIT_FINE; v++) {
        struct program_table table = {.launch = 0};
        status = climb(o, k->name, k->variants[v].name, launch, &table);
        if (status == EXIT_FINE && j)
            programs_json(&table, k->variants[v].name, j);
        else if (status == EXIT_FINE)
            programs_text(&table, k->variants[v].name, before, t);
        before = table.cycles;
        programs_free(&table);
    }
    return status;
}

int programs_ladder(const struct options *o)
{
    const char *name = o->operands[0];
    struct job job = {0};
    struct text t = {0};
    struct json_out j = {.text = &t};
    uint64_t launch;
    if (!opt_number(o, OPT_LAUNCH, UINT32_MAX, 0, &launch))
        return EXIT_USAGE;
    int status = job_kernel(&job, o, name, false);
    if (status == EXIT_FINE && opt_given(o, OPT_JSON)) {
        json_open(&j, NULL, '{');
        json_text(&j, "kernel", job.kernel->name);
        json_open(&j, "variants", '[');
        status = climb_all(o, job.kernel, launch, &t, &j);
        json_close(&j, ']');
        json_close(&j, '}');
        text_add(&t, "\n");
    } else if (status == EXIT_FINE) {
        text_addf(&t, "kernel     %s\nsizes      ", job.kernel->name);
        kern_params_text(job.kernel, &job.params, &t);
        text_addf(&t, "\ncontract   %s\n\n", job.kernel->contracts[job.contract].name);
        programs_head(&t);
        status = climb_all(o, job.kernel, launch, &t, NULL);
    }
    job_free(&job);
    if (status == EXIT_FINE)
        return tool_print(&t);
    text_free(&t);
    return status;
}
