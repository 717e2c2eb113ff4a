#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "tools/commands/commands.h"
#include "tools/debug/dap.h"

/* Members of a launch request that are options of the command. */
static const struct member {
    const char *key;
    enum opt id;
    bool flag;
} members[] = {
    {"kernel", OPT_KERNEL, false},
    {"set", OPT_SET, false},
    {"mem", OPT_MEM, false},
    {"contract", OPT_CONTRACT, false},
    {"seed", OPT_SEED, false},
    {"machine", OPT_MACHINE, false},
    {"cores", OPT_CORES, false},
    {"scratch", OPT_SCRATCH, false},
    {"record", OPT_RECORD, false},
    {"cycleLimit", OPT_CYCLE_LIMIT, false},
    {"strict", OPT_STRICT, true},
    {"pause", OPT_PAUSE, true},
    {"noDebugCompares", OPT_NO_DEBUG, true},
};

enum { MAX_BYTES = 1 << 28 }; /* of a file that has been read as a program */

enum { MEMBERS = sizeof members / sizeof *members };

/* "height=4", {"height": 4} or 4 as the command line has it. False if it is none of these. */
static bool option_text(const json_t *value, struct text *out)
{
    const char *key, *comma = "";
    json_t *item;
    if (json_is_string(value))
        text_add(out, json_string_value(value));
    else if (json_is_integer(value))
        text_addf(out, "%lld", (long long)json_integer_value(value));
    else if (!json_is_object(value))
        return false;
    json_object_foreach((json_t *)value, key, item)
    {
        text_addf(out, "%s%s=", comma, key);
        comma = ",";
        if (json_is_object(item) || !option_text(item, out))
            return false;
    }
    return text_ok(out);
}

/* The arguments as options; their texts are in `texts`, one for each member. */
static bool options_of(struct dap *d, const json_t *args, struct options *o, struct text texts[MEMBERS])
{
    for (unsigned i = 0; i < MEMBERS; i++) {
        const json_t *value = json_object_get(args, members[i].key);
        if (!value || json_is_null(value) || json_is_false(value))
            continue;
        if (members[i].flag ? !json_is_true(value) : !option_text(value, &texts[i])) {
            (void)dap_fail(d, "launch: `%s` has no value of its kind", members[i].key);
            return false;
        }
        if (!vec_push(&o->given, (struct option_given){members[i].id, texts[i].at ? texts[i].at : ""}))
            return false;
    }
    return true;
}

/* Opens the session; what it prints on standard error becomes the request's error. */
static bool open_session(struct dap *d, const struct options *o)
{
    FILE *catch = tmpfile();
    const int errors = catch ? dup(STDERR_FILENO) : -1;
    (void)fflush(stderr);
    if (errors >= 0)
        (void)dup2(fileno(catch), STDERR_FILENO);
    const int status = session_open(&d->s, o);
    (void)fflush(stderr);
    (void)dap_fail(d, "the program cannot be launched");
    if (errors >= 0) {
        (void)dup2(errors, STDERR_FILENO);
        (void)close(errors);
        rewind(catch);
        char text[sizeof d->error] = "";
        const size_t n = fread(text, 1, sizeof text - 1, catch);
        text[n] = '\0';
        static const char prefix[] = "sheaf: ";
        const size_t skip = strncmp(text, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0;
        text[strcspn(text, "\n")] = '\0';
        if (text[skip])
            (void)dap_fail(d, "%s", text + skip);
    }
    if (catch)
        (void)fclose(catch);
    return status == EXIT_FINE;
}

/* --- the text -------------------------------------------------------------------- */

static bool is_assembly(const char *path)
{
    const size_t n = strlen(path);
    return n > 2 && strcmp(path + n - 2, ".s") == 0;
}

/* How many lines a bundle takes: to its closing brace. `at` is within the text, which ends in a NUL. */
static uint32_t lines_to_brace(const char *at)
{
    uint32_t lines = 0;
    for (bool quoted = false; *at && (quoted || *at != '}'); at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (quoted && *at == '\\' && at[1])
            at++;
        else if (!quoted && *at == '#')
            at += strcspn(at, "\n") - 1;
        lines += *at == '\n';
    }
    return lines;
}

static bool add_lines(struct dap *d, const struct prog *p, const char *text)
{
    uint32_t line = 1;
    for (size_t i = 0; i < p->bundles.n; i++) {
        const uint32_t first = p->bundles.at[i].line;
        for (; line < first && *text; line++) {
            text += strcspn(text, "\n");
            text += *text == '\n';
        }
        if (!vec_push(&d->lines, (struct dap_lines){first, first + lines_to_brace(text)}))
            return false;
    }
    return true;
}

/* The lines of the file, or of a listing, which is read back for them. */
static bool find_lines(struct dap *d)
{
    const struct prog *p = session_prog(&d->s);
    struct prog *again = NULL;
    struct diag diag;
    char *file = NULL;
    size_t size;
    bool good;
    d->path = is_assembly(d->s.job.operand) ? realpath(d->s.job.operand, NULL) : NULL;
    if (d->path) {
        good = file_read(d->path, MAX_BYTES, &file, &size, &diag) == ST_OK && add_lines(d, p, file);
    } else {
        prog_write_asm(p, &d->listing);
        good = text_ok(&d->listing) && d->listing.at &&
               prog_read_asm(d->listing.at, d->listing.n, NULL, &again, &diag) == ST_OK &&
               again->bundles.n == p->bundles.n && add_lines(d, again, d->listing.at);
    }
    free(file);
    prog_destroy(again);
    return good;
}

json_t *dap_source_of(const struct dap *d)
{
    if (d->path) {
        const char *slash = strrchr(d->path, '/');
        return json_pack("{s:o, s:o}", "name", dap_string(slash ? slash + 1 : d->path), "path",
                         dap_string(d->path));
    }
    struct text name = {0};
    text_addf(&name, "%s.s", d->s.job.operand);
    return json_pack("{s:o, s:i, s:s}", "name", dap_text(&name), "sourceReference", 1, "origin",
                     "the program as assembly");
}

/* Either member may say which; there is but one. */
json_t *dap_source(struct dap *d, const json_t *args)
{
    const json_int_t reference =
        dap_int(json_object_get(args, "source"), "sourceReference", dap_int(args, "sourceReference", 0));
    if (reference != 1 || d->path)
        return dap_fail(d, "no source %lld", (long long)reference);
    return json_pack("{s:o}", "content", dap_string(d->listing.at ? d->listing.at : ""));
}

/* --- launch ---------------------------------------------------------------------- */

static void announce(struct dap *d)
{
    struct text t = {0};
    const struct sim *sim = dap_sim(d);
    text_addf(&t, "%s: %zu bundles, %zu words of memory\n", d->s.job.operand, sim->prog->bundles.n,
              sim->mem_words);
    dap_event(d, "output", json_pack("{s:s, s:o}", "category", "console", "output", dap_text(&t)));
}

/* The operand stays with the job as long as the session. */
static bool launch(struct dap *d, const json_t *args, const char *program)
{
    struct options o = {.command = &command_debug};
    struct text texts[MEMBERS] = {0};
    struct diag diag = {0};
    const json_int_t stage = dap_int(args, "stage", 0);
    d->operand = strdup(program);
    const char *operand = d->operand;
    o.operands = &operand;
    o.n_operands = 1;
    bool good = operand && options_of(d, args, &o, texts) && open_session(d, &o);
    if (good && stage != 0 && session_program(&d->s, stage < 0 ? SIZE_MAX : (size_t)stage, &diag) != ST_OK) {
        (void)dap_fail(d, "%s", diag.text);
        good = false;
    }
    if (good && !find_lines(d)) {
        (void)dap_fail(d, "out of memory for the program's text");
        good = false;
    }
    vec_free(&o.given);
    for (unsigned i = 0; i < MEMBERS; i++)
        text_free(&texts[i]);
    return good;
}

json_t *dap_launch(struct dap *d, const json_t *args)
{
    const char *program = dap_chars(args, "program"), *mem = dap_chars(args, "mem");
    if (!program || !*program)
        return dap_fail(d, "launch: expected `program`, a file or KERNEL[:VARIANT]");
    if (strcmp(program, "-") == 0 || (mem && strcmp(mem, "-") == 0))
        return dap_fail(d, "launch: standard input is the protocol's");
    if (!launch(d, args, program)) {
        dap_launch_end(d);
        return NULL;
    }
    d->stop_on_entry = dap_bool(args, "stopOnEntry", false);
    d->stop_at_end = dap_bool(args, "stopAtEnd", false);
    d->launched = true;
    announce(d);
    return json_null();
}

void dap_launch_end(struct dap *d)
{
    session_close(&d->s);
    free(d->path);
    free(d->operand);
    d->path = d->operand = NULL;
    text_free(&d->listing);
    vec_free(&d->lines);
    vec_free(&d->places);
    for (unsigned i = 0; i < DAP_BREAKPOINTS; i++)
        vec_free(&d->ids[i]);
}
