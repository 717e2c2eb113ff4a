/* The debugger's commands: one table, which help and abbreviations come from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/debug/debug.h"

/* The rest of `text` after `word` and a blank, or NULL. */
static char *after(char *text, const char *word)
{
    const size_t n = strlen(word);
    if (strncmp(text, word, n) != 0 || (text[n] != ' ' && text[n] != '\0'))
        return NULL;
    return text + n + strspn(text + n, " ");
}

/* A count: 1 where none is given. */
static enum status count(const struct call *c, uint64_t *n)
{
    struct expr *e;
    *n = 1;
    if (!*c->args)
        return ST_OK;
    enum status status = expr_parse(c->args, sim_of(c)->prog, &e, c->d);
    if (status == ST_OK)
        status = expr_value(e, sim_of(c), c->s->core, n, c->d);
    expr_free(e);
    return status;
}

/* --- moving --------------------------------------------------------------------- */

static enum status where(const struct call *c)
{
    debug_where(sim_of(c), c->s->core, c->out);
    if (replay_at(c->s->r) == 0)
        text_add(c->out, " (the start)");
    if (replay_ended(c->s->r) && c->s->program + 1 < c->s->job.programs.list.n)
        text_addf(c->out, " (the end of program %zu; on with: program %zu)", c->s->program,
                  c->s->program + 1);
    text_add(c->out, "\n");
    return ST_OK;
}

/* Where it is now, and why it went no farther. */
static enum status arrived(const struct call *c, const struct breakpoint_hit *hit)
{
    const struct sim *sim = sim_of(c);
    if (hit) {
        c->s->core = hit->kind == BREAK_CONDITION ? c->s->core : hit->core;
        debug_hit(sim->prog, hit, c->out);
        text_add(c->out, "\n");
    }
    if (c->s->r->interrupted)
        text_add(c->out, "interrupted\n");
    if (sim->fault.kind != FAULT_NONE) {
        text_add(c->out, "fault: ");
        sim_fault_text(sim, c->out);
        text_add(c->out, "\n");
        c->s->core = sim->fault.core;
    }
    return where(c);
}

static enum status forth(const struct call *c, uint64_t limit)
{
    struct breakpoint_hit hit;
    c->s->stops.core = c->s->core;
    const bool stopped = breakpoints_forth(&c->s->stops, c->s->r, limit, &hit);
    return arrived(c, stopped ? &hit : NULL);
}

static enum status do_step(struct call *c)
{
    uint64_t n;
    const uint64_t at = replay_at(c->s->r);
    const enum status status = count(c, &n);
    return status != ST_OK ? status : forth(c, n < UINT64_MAX - at ? at + n : UINT64_MAX);
}

static enum status do_back(struct call *c)
{
    uint64_t n;
    const uint64_t at = replay_at(c->s->r);
    const enum status status = count(c, &n);
    if (status != ST_OK)
        return status;
    replay_go(c->s->r, n < at ? at - n : 0);
    return arrived(c, NULL);
}

static bool is_number(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

static enum status do_until(struct call *c)
{
    struct expr *e;
    if (is_number(c->args)) {
        replay_go_cycle(c->s->r, strtoull(c->args, NULL, 10));
        return arrived(c, NULL);
    }
    const enum status status = expr_parse(c->args, sim_of(c)->prog, &e, c->d);
    if (status != ST_OK)
        return status;
    const unsigned id = breakpoints_add(&c->s->stops, (struct stop){.kind = BREAK_CONDITION, .condition = e});
    if (!id)
        return diag_set(c->d, ST_NOMEM, "out of memory");
    c->s->stops.core = c->s->core;
    struct breakpoint_hit hit;
    const bool stopped = breakpoints_forth(&c->s->stops, c->s->r, UINT64_MAX, &hit);
    breakpoints_remove(&c->s->stops, id);
    c->s->stops.last_id--;
    if (stopped && hit.id == id && hit.problem.text[0])
        text_addf(c->out, "the condition has no value: %s\n", hit.problem.text);
    return arrived(c, stopped && hit.id != id ? &hit : NULL);
}

static enum status do_continue(struct call *c)
{
    return forth(c, UINT64_MAX);
}

static enum status do_reverse(struct call *c)
{
    struct breakpoint_hit hit;
    c->s->stops.core = c->s->core;
    const bool stopped = breakpoints_back(&c->s->stops, c->s->r, &hit);
    return arrived(c, stopped ? &hit : NULL);
}

static void stage_line(const struct call *c, size_t i)
{
    text_addf(c->out, "%s program %zu  ", i == c->s->program ? "*" : " ", i);
    text_add_shown(c->out, c->s->job.programs.list.at[i].name, 0, TEXT_WHOLE);
    text_add(c->out, "\n");
}

static enum status do_program(struct call *c)
{
    if (*c->args) {
        const enum status status =
            session_program(c->s, is_number(c->args) ? strtoull(c->args, NULL, 10) : SIZE_MAX, c->d);
        return status != ST_OK ? status : arrived(c, NULL);
    }
    for (size_t i = 0; i < c->s->job.programs.list.n; i++)
        stage_line(c, i);
    return ST_OK;
}

static enum status do_core(struct call *c)
{
    const uint32_t cores = sim_of(c)->config.machine.cores;
    if (!is_number(c->args) || strlen(c->args) > 3 || strtoul(c->args, NULL, 10) >= cores)
        return diag_set(c->d, ST_INPUT, "no core `%.60s`: the machine has %u", c->args, cores);
    c->s->core = (uint32_t)strtoul(c->args, NULL, 10);
    return where(c);
}

/* --- stops ---------------------------------------------------------------------- */

static enum status add_stop(struct call *c, struct stop stop, const char *what)
{
    const unsigned id = breakpoints_add(&c->s->stops, stop);
    if (!id)
        return diag_set(c->d, ST_NOMEM, "out of memory");
    text_addf(c->out, "stop %u: %s\n", id, what);
    return ST_OK;
}

static enum status do_break(struct call *c)
{
    struct stop stop = {.kind = BREAK_BUNDLE};
    char *condition = strstr(c->args, " if ");
    if (condition) {
        *condition = '\0';
        condition += strlen(" if ");
    }
    enum status status = session_bundle(c->s, c->args, &stop.bundle, c->d);
    if (status == ST_OK && condition)
        status = expr_parse(condition, sim_of(c)->prog, &stop.condition, c->d);
    if (status != ST_OK)
        return status;
    char what[100];
    (void)snprintf(what, sizeof what, "before bundle %u%s%.60s", stop.bundle, condition ? " if " : "",
                   condition ? condition : "");
    return add_stop(c, stop, what);
}

static enum status do_watch(struct call *c)
{
    struct provenance origin;
    struct stop stop = {.kind = BREAK_WRITE};
    char *change = after(c->args, "change");
    const enum status status =
        session_words(c->s, change ? change : c->args, &stop.word_range, &origin, c->d);
    if (status != ST_OK)
        return status;
    struct text what = {0};
    if (change)
        stop.kind = BREAK_CHANGE;
    text_add(&what, change ? "after a change of " : "after a write to ");
    word_range_text(&stop.word_range, sim_of(c)->prog, &what);
    const enum status added = add_stop(c, stop, what.at ? what.at : "");
    text_free(&what);
    return added;
}

static enum status do_delete(struct call *c)
{
    if (!*c->args) {
        breakpoints_clear(&c->s->stops);
        return ST_OK;
    }
    if (!is_number(c->args) || strlen(c->args) > 9 ||
        !breakpoints_remove(&c->s->stops, (unsigned)strtoul(c->args, NULL, 10)))
        return diag_set(c->d, ST_INPUT, "no stop `%.60s` (try: info)", c->args);
    return ST_OK;
}

static enum status do_quit(struct call *c)
{
    *c->quit = true;
    return ST_OK;
}

/* --- the table ------------------------------------------------------------------ */

static enum status do_help(struct call *c);

enum operands { NO_OPERAND, MAY_HAVE, MUST_HAVE };
enum looks { MOVES, LOOKS };

/* Of several that begin as typed the first is meant. */
static const struct row {
    const char *name, *operands;
    enum operands wants;
    enum looks looks;
    enum status (*run)(struct call *c);
    const char *doc;
} rows[] = {
    {"step", "[N]", MAY_HAVE, MOVES, do_step, "go N rounds on, at most to a stop"},
    {"back", "[N]", MAY_HAVE, MOVES, do_back, "go N rounds back"},
    {"until", "CYCLE | CONDITION", MUST_HAVE, MOVES, do_until,
     "go to a cycle, forth or back; or on until it holds"},
    {"continue", "", NO_OPERAND, MOVES, do_continue, "go on to a stop or the end"},
    {"reverse-continue", "", NO_OPERAND, MOVES, do_reverse, "go back to a stop or the start (short: rc)"},
    {"rc", "", NO_OPERAND, MOVES, do_reverse, NULL},
    {"break", "BUNDLE | LABEL [if CONDITION]", MUST_HAVE, MOVES, do_break, "stop before a bundle"},
    {"watch", "[change] PLACE", MUST_HAVE, MOVES, do_watch, "stop after a write, or one that changes a word"},
    {"delete", "[STOP]", MAY_HAVE, MOVES, do_delete, "forget a stop, or all"},
    {"print", "EXPRESSION | PLACE", MUST_HAVE, LOOKS, do_print, "show a value; print/x: hexadecimal"},
    {"set", "PLACE = EXPRESSION", MUST_HAVE, MOVES, do_set, "set words, from here on"},
    {"bundle", "", NO_OPERAND, LOOKS, do_bundle, "the bundle to come: what its slots read and write"},
    {"writer", "PLACE", MUST_HAVE, LOOKS, do_writer, "the slots that wrote the words last"},
    {"readers", "PLACE", MUST_HAVE, LOOKS, do_readers, "the slots that will read the words"},
    {"mem", "A[:B]", MUST_HAVE, LOOKS, do_mem, "words of memory"},
    {"names", "[TEXT]", MAY_HAVE, LOOKS, do_names, "names with that text in them, and their values"},
    {"engines", "", NO_OPERAND, LOOKS, do_engines, "what each engine is given in the bundle to come"},
    {"core", "N", MUST_HAVE, MOVES, do_core, "look at another core"},
    {"program", "[N]", MAY_HAVE, MOVES, do_program, "list the programs, or go to the start of one"},
    {"info", "", NO_OPERAND, LOOKS, do_info, "where every core is, and the stops"},
    {"help", "", NO_OPERAND, LOOKS, do_help, "this"},
    {"quit", "", NO_OPERAND, MOVES, do_quit, "end"},
};

enum { ROWS = sizeof rows / sizeof *rows };

static enum status do_help(struct call *c)
{
    for (unsigned i = 0; i < ROWS; i++)
        if (rows[i].doc)
            text_addf(c->out, "%-17s %-30s %s\n", rows[i].name, rows[i].operands, rows[i].doc);
    text_add(c->out,
             "\nCommands can be shortened. PLACE is NAME, NAME[I], s[A], m[A], or words A up to B: s[A:B].\n"
             "Expressions are of places of one word, numbers, pc, cycle, core, round and the operators\n"
             "|| && | ^ & == != < <= > >= << >> + - * // % !\n");
    return ST_OK;
}

static const struct row *find_row(const char *name, size_t n)
{
    for (unsigned i = 0; i < ROWS && n; i++)
        if (strncmp(rows[i].name, name, n) == 0)
            return &rows[i];
    return NULL;
}

static enum status command(struct session *s, const char *line, bool only_look, struct text *out, bool *quit,
                           struct diag *d)
{
    char text[1024];
    line += strspn(line, " \t");
    size_t n = strlen(line);
    while (n && strchr(" \t\r\n", line[n - 1]))
        n--;
    if (n == 0 || *line == '#')
        return ST_OK;
    if (n >= sizeof text)
        return diag_set(d, ST_INPUT, "too long a line");
    memcpy(text, line, n);
    text[n] = '\0';
    const size_t length = strcspn(text, " \t/");
    const struct row *row = find_row(text, length);
    char *args = text + length;
    const bool hex = strncmp(args, "/x", 2) == 0;
    args += hex ? 2 : 0;
    if (!row || (*args && !strchr(" \t", *args)))
        return diag_set(d, ST_INPUT, "no command `%.60s` (try: help)", text);
    args += strspn(args, " \t");
    if ((row->wants == NO_OPERAND && *args) || (row->wants == MUST_HAVE && !*args))
        return diag_set(d, ST_INPUT, "expected: %s%s%s", row->name, *row->operands ? " " : "", row->operands);
    if (only_look && row->looks != LOOKS)
        return diag_set(d, ST_INPUT, "`%s` is for `sheaf debug` on a terminal: here the buttons do it",
                        row->name);
    struct call call = {s, args, hex, quit, out, d};
    return row->run(&call);
}

enum status debug_command(struct session *s, const char *line, struct text *out, bool *quit, struct diag *d)
{
    return command(s, line, false, out, quit, d);
}

enum status debug_look(struct session *s, const char *line, struct text *out, struct diag *d)
{
    bool quit;
    return command(s, line, true, out, &quit, d);
}
