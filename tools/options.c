#include "tools/options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/report.h"

static const struct row {
    const char *name;
    char letter;
    const char *argument, *doc;
} rows[OPT_COUNT] = {
#define OPTION(ID, name, letter, argument, doc) {name, letter, argument, doc},
    OPTIONS
#undef OPTION
};

/* Names that options had before: taken, shown nowhere. */
static const struct {
    const char *name;
    enum opt id;
} aliases[] = {{"engine", OPT_SIMULATOR}};

enum { ALIASES = sizeof aliases / sizeof *aliases };

_Static_assert(OPT_COUNT <= 64, "a command's options are bits of a uint64_t");

enum { LONG_ONLY = 256 }; /* getopt_long's value of a row: this plus its number */

static bool takes(const struct command *c, unsigned id)
{
    return id == OPT_HELP || (c->options >> id & 1);
}

/* The table as getopt_long wants it, for one command. */
static void fill_getopt(const struct command *c, struct option *longs, char *letters)
{
    *letters++ = ':';
    for (unsigned id = 0; id < OPT_COUNT; id++) {
        if (!takes(c, id))
            continue;
        const int has = rows[id].argument ? required_argument : no_argument;
        *longs++ = (struct option){rows[id].name, has, NULL, LONG_ONLY + (int)id};
        if (rows[id].letter) {
            *letters++ = rows[id].letter;
            if (rows[id].argument)
                *letters++ = ':';
        }
    }
    for (unsigned a = 0; a < ALIASES; a++)
        if (takes(c, aliases[a].id))
            *longs++ = (struct option){aliases[a].name,
                                       rows[aliases[a].id].argument ? required_argument : no_argument, NULL,
                                       LONG_ONLY + (int)aliases[a].id};
    *longs = (struct option){0};
    *letters = '\0';
}

/* The error of a rejected argument; `got` is what getopt_long returned. */
static void complain(const struct command *c, int got, char *const argv[])
{
    if (got == ':' && optopt >= LONG_ONLY)
        (void)tool_error("%s: --%s needs %s", c->name, rows[optopt - LONG_ONLY].name,
                         rows[optopt - LONG_ONLY].argument);
    else if (got == ':')
        (void)tool_error("%s: -%c needs an argument", c->name, optopt);
    else if (optopt >= LONG_ONLY)
        (void)tool_error("%s: --%s takes no argument", c->name, rows[optopt - LONG_ONLY].name);
    else if (optopt)
        (void)tool_error("%s: unknown option -%c (see sheaf %s --help)", c->name, optopt, c->name);
    else
        (void)tool_error("%s: unknown or ambiguous option %s (see sheaf %s --help)", c->name,
                         argv[optind - 1], c->name);
}

static enum opt option_of(int got)
{
    if (got >= LONG_ONLY)
        return (enum opt)(got - LONG_ONLY);
    unsigned id = 0;
    while (rows[id].letter != got)
        id++;
    return (enum opt)id;
}

bool options_parse(struct options *o, const struct command *c, int argc, char **argv)
{
    struct option longs[OPT_COUNT + ALIASES + 1];
    char letters[2 * OPT_COUNT + 2];
    fill_getopt(c, longs, letters);
    *o = (struct options){.command = c};
    opterr = 0;
    optind = 0; /* start afresh */
    int got;
    while ((got = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (got == '?' || got == ':') {
            complain(c, got, argv);
            return false;
        }
        if (!vec_push(&o->given, (struct option_given){option_of(got), optarg})) {
            (void)tool_error("out of memory");
            return false;
        }
    }
    o->operands = (const char *const *)argv + optind;
    o->n_operands = (unsigned)(argc - optind);
    if (opt_given(o, OPT_HELP) || (o->n_operands >= c->min_operands && o->n_operands <= c->max_operands))
        return true;
    (void)tool_error("%s: expected %s%s%s", c->name, o->n_operands < c->min_operands ? "" : "only ",
                     c->max_operands ? c->operands : "options", o->n_operands ? "" : ", found nothing");
    return false;
}

void options_free(struct options *o)
{
    vec_free(&o->given);
}

static const struct option_given *last(const struct options *o, enum opt id)
{
    for (size_t i = o->given.n; i-- > 0;)
        if (o->given.at[i].id == id)
            return &o->given.at[i];
    return NULL;
}

bool opt_given(const struct options *o, enum opt id)
{
    return last(o, id) != NULL;
}

const char *opt_text(const struct options *o, enum opt id)
{
    const struct option_given *g = last(o, id);
    return g ? g->text : NULL;
}

/* A whole number of decimal digits, `length` of them, within 0..high. */
static bool parse_number(const char *text, size_t length, uint64_t high, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < length; i++) {
        const unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9 || *out > (UINT64_MAX - digit) / 10)
            return false;
        *out = *out * 10 + digit;
    }
    return length && *out <= high;
}

bool opt_number(const struct options *o, enum opt id, uint64_t high, uint64_t fallback, uint64_t *out)
{
    const char *text = opt_text(o, id);
    *out = fallback;
    if (!text || parse_number(text, strlen(text), high, out))
        return true;
    (void)tool_error("--%s %s: expected a whole number from 0 to %" PRIu64, rows[id].name, text, high);
    return false;
}

bool opt_range(const struct options *o, enum opt id, uint64_t *from, uint64_t *to)
{
    const char *text = opt_text(o, id);
    *from = 0;
    *to = UINT64_MAX;
    if (!text)
        return true;
    const size_t left = strcspn(text, ":");
    if (text[left] && (!left || parse_number(text, left, UINT64_MAX, from)) &&
        (!text[left + 1] || parse_number(text + left + 1, strlen(text + left + 1), UINT64_MAX, to)) &&
        *from < *to)
        return true;
    (void)tool_error("--%s %s: expected A:B, cycles from A on and before B", rows[id].name, text);
    return false;
}

bool opt_engines(const struct options *o, bool engine[ENGINE_DEBUG])
{
    const char *text = opt_text(o, OPT_ENGINES);
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        engine[e] = !text;
    while (text) {
        const size_t length = strcspn(text, ",");
        const enum isa_engine e = isa_find_engine(text, length);
        if (e >= ENGINE_DEBUG) {
            (void)tool_error("--engines: no engine `%.*s`, expected alu, valu, load, store or flow",
                             (int)length, text);
            return false;
        }
        engine[e] = true;
        text = text[length] ? text + length + 1 : NULL;
    }
    return true;
}

/* "alu=12,vlen=8". */
static bool set_machine(struct isa_machine *m, const char *text)
{
    for (;;) {
        const size_t length = strcspn(text, ","), name_length = strcspn(text, "=,");
        uint32_t *value = isa_machine_parameter(m, text, name_length);
        uint64_t number = 0;
        if (!value) {
            (void)tool_error(
                "--machine: no parameter `%.*s`, expected alu, valu, load, store, flow, each with "
                "_latency or without, vlen, scratch or cores",
                (int)name_length, text);
            return false;
        }
        if (name_length == length ||
            !parse_number(text + name_length + 1, length - name_length - 1, UINT32_MAX, &number)) {
            (void)tool_error("--machine %.*s: expected %.*s=N", (int)length, text, (int)name_length, text);
            return false;
        }
        *value = (uint32_t)number;
        if (text[length] == '\0')
            return true;
        text += length + 1;
    }
}

bool opt_machine(const struct options *o, struct isa_machine *m)
{
    uint64_t number;
    for (size_t i = 0; i < o->given.n; i++)
        if (o->given.at[i].id == OPT_MACHINE && !set_machine(m, o->given.at[i].text))
            return false;
    if (!opt_number(o, OPT_CORES, UINT32_MAX, m->cores, &number))
        return false;
    m->cores = (uint32_t)number;
    if (!opt_number(o, OPT_SCRATCH, UINT32_MAX, m->scratch, &number))
        return false;
    m->scratch = (uint32_t)number;
    const char *why = isa_machine_validate(m);
    if (why)
        (void)tool_error("machine: %s", why);
    return !why;
}

void options_help(const struct command *c, struct text *out)
{
    text_addf(out, "usage: sheaf %s%s%s [OPTION...]\n\n%s\n\n", c->name, *c->operands ? " " : "", c->operands,
              c->doc);
    for (unsigned id = 0; id < OPT_COUNT; id++) {
        if (!takes(c, id))
            continue;
        struct text left = {0};
        if (rows[id].letter)
            text_addf(&left, "-%c, ", rows[id].letter);
        text_addf(&left, "--%s%s%s", rows[id].name, rows[id].argument ? " " : "",
                  rows[id].argument ? rows[id].argument : "");
        text_addf(out, "  %-24s %s\n", left.at ? left.at : "", rows[id].doc);
        text_free(&left);
    }
}
