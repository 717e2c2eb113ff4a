#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/debug/dap.h"

enum { MAX_STOPS = 10000 }; /* of one kind */

const char *dap_stop_reason(const struct dap *d, unsigned id)
{
    static const char *const reasons[DAP_BREAKPOINTS] = {"breakpoint", "function breakpoint",
                                                         "instruction breakpoint", "data breakpoint"};
    for (unsigned kind = 0; kind < DAP_BREAKPOINTS; kind++)
        for (size_t i = 0; i < d->ids[kind].n; i++)
            if (d->ids[kind].at[i] == id)
                return reasons[kind];
    return "breakpoint";
}

/* --- what the four kinds share ----------------------------------------------------- */

/* A request for a stop at work: what is asked for, what becomes of it. */
struct asked {
    const json_t *item;
    struct stop stop;
    int64_t bundle; /* its position in the text; -1: none */
    char why[DIAG_TEXT];
};

/* Fills in asked->stop and bundle; false with `why`. */
typedef bool find_stop(struct dap *d, struct asked *a);

static bool refuse(struct asked *a, const char *why)
{
    (void)snprintf(a->why, sizeof a->why, "%s", why);
    return false;
}

static bool add_condition(const struct dap *d, struct asked *a)
{
    struct diag diag = {0};
    const char *condition = dap_chars(a->item, "condition");
    if (!condition || !*condition)
        return true;
    return expr_parse(condition, dap_sim(d)->prog, &a->stop.condition, &diag) == ST_OK ||
           refuse(a, diag.text);
}

/* One breakpoint of the response. */
static json_t *add_stop(struct dap *d, enum dap_breakpoints kind, find_stop *find, const json_t *item)
{
    struct asked a = {.item = item, .bundle = -1};
    unsigned id = 0;
    if (json_is_object(item) && find(d, &a) && add_condition(d, &a) && vec_reserve(&d->ids[kind], 1))
        id = breakpoints_add(&d->s.stops, a.stop);
    if (id)
        d->ids[kind].at[d->ids[kind].n++] = id;
    json_t *out = json_pack("{s:b}", "verified", id != 0);
    if (out && id)
        (void)json_object_set_new(out, "id", json_integer(id));
    if (out && !id)
        (void)json_object_set_new(out, "message", dap_string(a.why[0] ? a.why : "not a breakpoint"));
    if (out && a.bundle >= 0) {
        dap_add_line(d, a.bundle, out);
        char address[24];
        (void)snprintf(address, sizeof address, "%lld", (long long)a.bundle);
        (void)json_object_set_new(out, "instructionReference", json_string(address));
    }
    return out;
}

static json_t *set_breakpoints(struct dap *d, enum dap_breakpoints kind, find_stop *find, const json_t *items)
{
    json_t *list = json_array();
    if (json_array_size(items) > MAX_STOPS) {
        json_decref(list);
        return dap_fail(d, "%zu breakpoints, at most %d", json_array_size(items), MAX_STOPS);
    }
    for (size_t i = 0; i < d->ids[kind].n; i++)
        (void)breakpoints_remove(&d->s.stops, d->ids[kind].at[i]);
    d->ids[kind].n = 0;
    for (size_t i = 0; i < json_array_size(items); i++)
        (void)json_array_append_new(list, add_stop(d, kind, find, json_array_get(items, i)));
    return json_pack("{s:o}", "breakpoints", list);
}

/* --- lines, labels, instructions ---------------------------------------------------- */

/* The bundle on the line, or the first one below it, else the last one. */
static bool find_line(struct dap *d, struct asked *a)
{
    const json_int_t line = dap_int(a->item, "line", -1) + d->lines_from_0;
    size_t b = 0;
    while (b + 1 < d->lines.n && d->lines.at[b].last < line)
        b++;
    if (!d->lines.n || line < 1)
        return refuse(a, "there is no bundle");
    a->stop = (struct stop){.kind = BREAK_BUNDLE, .bundle = (uint32_t)b};
    a->bundle = (int64_t)b;
    return true;
}

static bool find_elsewhere(struct dap *d, struct asked *a)
{
    (void)d;
    return refuse(a, "this is not the program's text");
}

static bool is_program_text(const struct dap *d, const json_t *source)
{
    const char *path = dap_chars(source, "path");
    if (!d->path)
        return dap_int(source, "sourceReference", 0) == 1;
    char *real = path ? realpath(path, NULL) : NULL;
    const bool same = real && strcmp(real, d->path) == 0;
    free(real);
    return same;
}

/* Those of other files leave those of the program's text alone. */
json_t *dap_set_breakpoints(struct dap *d, const json_t *args)
{
    const json_t *items = json_object_get(args, "breakpoints");
    if (is_program_text(d, json_object_get(args, "source")))
        return set_breakpoints(d, DAP_SOURCE, find_line, items);
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(items) && i < MAX_STOPS; i++)
        (void)json_array_append_new(list, add_stop(d, DAP_SOURCE, find_elsewhere, json_array_get(items, i)));
    return json_pack("{s:o}", "breakpoints", list);
}

static bool find_label(struct dap *d, struct asked *a)
{
    struct diag diag = {0};
    const char *name = dap_chars(a->item, "name");
    a->stop.kind = BREAK_BUNDLE;
    if (session_bundle(&d->s, name ? name : "", &a->stop.bundle, &diag) != ST_OK)
        return refuse(a, diag.text);
    a->bundle = a->stop.bundle;
    return true;
}

json_t *dap_set_functions(struct dap *d, const json_t *args)
{
    return set_breakpoints(d, DAP_FUNCTION, find_label, json_object_get(args, "breakpoints"));
}

static bool find_instruction(struct dap *d, struct asked *a)
{
    int64_t bundle;
    const char *address = dap_chars(a->item, "instructionReference");
    const json_int_t offset = dap_int(a->item, "offset", 0);
    if (!address || !dap_address(address, &bundle) || __builtin_add_overflow(bundle, offset, &bundle) ||
        bundle < 0 || (uint64_t)bundle >= dap_sim(d)->prog->bundles.n)
        return refuse(a, "no bundle has this address");
    a->stop = (struct stop){.kind = BREAK_BUNDLE, .bundle = (uint32_t)bundle};
    a->bundle = bundle;
    return true;
}

json_t *dap_set_instructions(struct dap *d, const json_t *args)
{
    return set_breakpoints(d, DAP_INSTRUCTION, find_instruction, json_object_get(args, "breakpoints"));
}

/* --- data ------------------------------------------------------------------------- */

/* A variable of a container, or a word range as people type it. */
json_t *dap_data_info(struct dap *d, const json_t *args)
{
    struct word_range word_range;
    struct diag diag;
    struct text name = {0};
    char id[64];
    const char *text = dap_chars(args, "name");
    const json_int_t container = dap_int(args, "variablesReference", 0);
    const bool known =
        text && (container ? dap_variable_words(d, container, text, &word_range)
                           : word_range_parse(text, dap_sim(d), d->s.core, &word_range, &diag) == ST_OK);
    if (!known)
        return json_pack("{s:n, s:s}", "dataId", "description", "no words of scratch or memory");
    (void)snprintf(id, sizeof id, "%u:%u:%u", word_range.core, word_range.first, word_range.n);
    word_range_text(&word_range, dap_sim(d)->prog, &name);
    return json_pack("{s:s, s:o, s:[s], s:b}", "dataId", id, "description", dap_text(&name), "accessTypes",
                     "write", "canPersist", 0);
}

static bool find_data(struct dap *d, struct asked *a)
{
    struct word_range *p = &a->stop.word_range;
    const struct sim *sim = dap_sim(d);
    const char *id = dap_chars(a->item, "dataId"), *access = dap_chars(a->item, "accessType");
    int used = 0;
    a->stop.kind = BREAK_WRITE;
    if (!id || strlen(id) > 40 || sscanf(id, "%u:%u:%u%n", &p->core, &p->first, &p->n, &used) != 3 ||
        id[used])
        return refuse(a, "no such data");
    const uint64_t words = p->core == WORD_RANGE_MEM ? sim->mem_words : sim->config.machine.scratch;
    if ((p->core != WORD_RANGE_MEM && p->core >= sim->config.machine.cores) || p->n == 0 ||
        (uint64_t)p->first + p->n > words)
        return refuse(a, "no such data");
    if (access && strcmp(access, "write") != 0)
        return refuse(a, "only writes are watched");
    return true;
}

json_t *dap_set_data(struct dap *d, const json_t *args)
{
    return set_breakpoints(d, DAP_DATA, find_data, json_object_get(args, "breakpoints"));
}
