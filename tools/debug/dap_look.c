#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/debug/dap.h"

/* What a variablesReference refers to: a container, of a core, with a number. */
enum container {
    NOTHING,
    NAMES,
    REGISTERS,
    SCRATCH,
    MEMORY,
    ENGINES,
    ENGINE, /* number: the engine */
    NAME,   /* number: an index into prog.names */
    PLACE,  /* number: an index into d->places */
};

enum { NUMBER_BITS = 20, CORE_BITS = 6, MAX_NUMBER = (1 << NUMBER_BITS) - 1 };

_Static_assert(ISA_MAX_CORES <= 1 << CORE_BITS, "a core fits into a reference");
_Static_assert(PLACE < 1 << (31 - NUMBER_BITS - CORE_BITS), "a reference is below 2^31");

struct reference {
    enum container container;
    uint32_t core, number;
};

static json_int_t refer(enum container container, uint32_t core, size_t number)
{
    return number > MAX_NUMBER ? 0
                               : (json_int_t)container << (NUMBER_BITS + CORE_BITS) |
                                     (json_int_t)core << NUMBER_BITS | (json_int_t)number;
}

/* Container NOTHING where it refers to none. */
static struct reference resolve(const struct dap *d, json_int_t value)
{
    const struct sim *sim = dap_sim(d);
    struct reference r = {NOTHING, 0, 0};
    if (value <= 0 || value > INT32_MAX)
        return r;
    const unsigned container = (unsigned)(value >> (NUMBER_BITS + CORE_BITS));
    r.core = (uint32_t)(value >> NUMBER_BITS) & ((1u << CORE_BITS) - 1);
    r.number = (uint32_t)value & MAX_NUMBER;
    const size_t most = container == ENGINE  ? ENGINE_DEBUG
                        : container == NAME  ? sim->prog->names.n
                        : container == PLACE ? d->places.n
                                             : 1;
    if (container <= PLACE && r.core < sim->config.machine.cores && r.number < most)
        r.container = (enum container)container;
    return r;
}

static bool name_range(const struct dap *d, uint32_t core, size_t i, struct word_range *out)
{
    const struct prog_name *n = &dap_sim(d)->prog->names.at[i];
    *out = (struct word_range){core, n->address, n->length};
    return n->length && (uint64_t)n->address + n->length <= dap_sim(d)->config.machine.scratch;
}

/* The words of a container whose variables are "[0]", "[1]", ...; false for others. */
static bool container_words(const struct dap *d, const struct reference *r, struct word_range *out)
{
    const struct sim *sim = dap_sim(d);
    switch (r->container) {
    case SCRATCH: *out = (struct word_range){r->core, 0, sim->config.machine.scratch}; return true;
    case MEMORY: *out = (struct word_range){WORD_RANGE_MEM, 0, (uint32_t)sim->mem_words}; return true;
    case NAME: return name_range(d, r->core, r->number, out);
    case PLACE: *out = d->places.at[r->number]; return true;
    default: return false;
    }
}

bool dap_variable_words(const struct dap *d, json_int_t reference, const char *name, struct word_range *out)
{
    const struct reference r = resolve(d, reference);
    const struct prog *p = dap_sim(d)->prog;
    uint32_t i;
    int used = 0;
    if (container_words(d, &r, out)) {
        if (strlen(name) > 12 || sscanf(name, "[%u]%n", &i, &used) != 1 || !used || name[used] || i >= out->n)
            return false;
        out->first += i;
        out->n = 1;
        return true;
    }
    for (size_t k = 0; r.container == NAMES && k < p->names.n; k++)
        if (strcmp(p->names.at[k].name, name) == 0)
            return name_range(d, r.core, k, out);
    return false;
}

/* --- threads and frames ------------------------------------------------------------ */

json_t *dap_threads(struct dap *d, const json_t *args)
{
    json_t *list = json_array();
    (void)args;
    for (uint32_t c = 0; c < dap_sim(d)->config.machine.cores; c++) {
        char name[32];
        (void)snprintf(name, sizeof name, "core %u", c);
        (void)json_array_append_new(list, json_pack("{s:i, s:s}", "id", (int)c + 1, "name", name));
    }
    return json_pack("{s:o}", "threads", list);
}

static json_t *frame(const struct dap *d, uint32_t core)
{
    const struct sim_core *c = &dap_sim(d)->cores[core];
    const bool inside = c->pc >= 0 && (uint64_t)c->pc < d->lines.n && c->state != CORE_STOPPED;
    struct text name = {0};
    char address[24];
    if (!inside)
        text_add(&name, "stopped");
    else
        debug_label(dap_sim(d)->prog, c->pc, &name);
    if (!name.n)
        text_addf(&name, "bundle %" PRId64, c->pc);
    json_t *out = json_pack("{s:I, s:o, s:i, s:i}", "id", (json_int_t)core + 1, "name", dap_text(&name),
                            "line", 0, "column", 0);
    if (!out || !inside)
        return out;
    dap_add_line(d, c->pc, out);
    (void)snprintf(address, sizeof address, "%" PRId64, c->pc);
    (void)json_object_set_new(out, "instructionPointerReference", json_string(address));
    return out;
}

/* A core has one frame. */
json_t *dap_stack(struct dap *d, const json_t *args)
{
    uint32_t core;
    if (!dap_core(d, args, "threadId", &core))
        return NULL;
    json_t *list = json_array();
    if (dap_int(args, "startFrame", 0) <= 0)
        (void)json_array_append_new(list, frame(d, core));
    return json_pack("{s:o, s:i}", "stackFrames", list, "totalFrames", 1);
}

static void add_scope(json_t *list, const char *name, json_int_t reference, const char *members, size_t n,
                      bool expensive)
{
    json_t *scope = json_pack("{s:s, s:I, s:I, s:b}", "name", name, "variablesReference", reference, members,
                              (json_int_t)n, "expensive", expensive);
    if (scope && strcmp(name, "Registers") == 0)
        (void)json_object_set_new(scope, "presentationHint", json_string("registers"));
    (void)json_array_append_new(list, scope);
}

json_t *dap_scopes(struct dap *d, const json_t *args)
{
    uint32_t core;
    const struct sim *sim = dap_sim(d);
    if (!dap_core(d, args, "frameId", &core))
        return NULL;
    json_t *list = json_array();
    add_scope(list, "Names", refer(NAMES, core, 0), "namedVariables", sim->prog->names.n, false);
    add_scope(list, "Registers", refer(REGISTERS, core, 0), "namedVariables", 5, false);
    add_scope(list, "Engines", refer(ENGINES, core, 0), "namedVariables", ENGINE_DEBUG, false);
    add_scope(list, "Scratch", refer(SCRATCH, core, 0), "indexedVariables", sim->config.machine.scratch,
              true);
    add_scope(list, "Memory", refer(MEMORY, core, 0), "indexedVariables", sim->mem_words, true);
    return json_pack("{s:o}", "scopes", list);
}

/* --- variables ---------------------------------------------------------------------- */

/* A list of variables at work: those from `start` on, `count` of them. */
struct listing {
    struct dap *d;
    struct reference of;
    bool hex;
    size_t start, count;
    json_t *list;
};

enum { MAX_SHOWN = 4096 }; /* where the client does not say how many it wants */

static json_t *variable(const char *name, struct text *value, const char *type, json_int_t reference,
                        size_t words)
{
    json_t *v = json_pack("{s:o, s:o, s:s, s:I}", "name", dap_string(name), "value", dap_text(value), "type",
                          type, "variablesReference", reference);
    if (v && reference && words)
        (void)json_object_set_new(v, "indexedVariables", json_integer((json_int_t)words));
    return v;
}

static void add(const struct listing *l, json_t *v)
{
    (void)json_array_append_new(l->list, v);
}

/* A word or vector; long ones only by their length. */
static void value_text(const struct sim *sim, const struct word_range *word_range, bool hex, struct text *out)
{
    if (word_range->n <= ISA_MAX_VLEN)
        debug_words(word_range, sim, hex, out);
    else
        text_addf(out, "%u words", word_range->n);
}

static void list_names(const struct listing *l)
{
    const struct prog *p = dap_sim(l->d)->prog;
    for (size_t i = l->start; i < p->names.n && i - l->start < l->count; i++) {
        struct word_range word_range;
        struct text value = {0}, type = {0};
        const bool there = name_range(l->d, l->of.core, i, &word_range);
        if (there)
            value_text(dap_sim(l->d), &word_range, l->hex, &value);
        else
            text_add(&value, "beyond the end of scratch");
        text_addf(&type, "%u word%s", word_range.n, word_range.n == 1 ? "" : "s");
        json_t *v = variable(p->names.at[i].name, &value, type.at ? type.at : "",
                             there && word_range.n > 1 ? refer(NAME, l->of.core, i) : 0, word_range.n);
        if (v && there)
            (void)json_object_set_new(v, "evaluateName", dap_string(p->names.at[i].name));
        text_free(&type);
        add(l, v);
    }
}

static void list_words(const struct listing *l, const struct word_range *of)
{
    for (size_t i = l->start; i < of->n && i - l->start < l->count; i++) {
        char name[32], whole[40];
        struct text value = {0};
        debug_value(word_range_word(of, dap_sim(l->d), (uint32_t)i), l->hex, &value);
        (void)snprintf(name, sizeof name, "[%zu]", i);
        (void)snprintf(whole, sizeof whole, "$%s[%zu]", of->core == WORD_RANGE_MEM ? "m" : "s",
                       of->first + i);
        json_t *v = variable(name, &value, "word", 0, 0);
        if (v)
            (void)json_object_set_new(v, "evaluateName", json_string(whole));
        add(l, v);
    }
}

static void add_register(const struct listing *l, const char *name, struct text *value)
{
    add(l, variable(name, value, "register", 0, 0));
}

static void list_registers(const struct listing *l)
{
    static const char *const states[] = {
        [CORE_RUNNING] = "running", [CORE_PAUSED] = "paused", [CORE_STOPPED] = "stopped"};
    const struct sim *sim = dap_sim(l->d);
    const struct sim_core *c = &sim->cores[l->of.core];
    struct text t[5] = {0};
    text_addf(&t[0], "%" PRId64, c->pc);
    text_addf(&t[1], "%" PRIu64, sim->cycle);
    text_addf(&t[2], "%" PRIu64, sim->rounds);
    text_add(&t[3], states[c->state]);
    text_addf(&t[4], "%zu words", c->trace.n);
    static const char *const names[] = {"pc", "cycle", "round", "state", "trace"};
    for (unsigned i = 0; i < 5; i++)
        add_register(l, names[i], &t[i]);
}

/* The slots of the bundle to come. */
static struct prog_span slots_now(const struct dap *d, uint32_t core)
{
    const struct sim_core *c = &dap_sim(d)->cores[core];
    const struct prog *p = dap_sim(d)->prog;
    if (c->pc < 0 || (uint64_t)c->pc >= p->bundles.n)
        return (struct prog_span){0, 0};
    return prog_bundle_slots(p, (uint32_t)c->pc);
}

static void list_engines(const struct listing *l)
{
    const struct sim *sim = dap_sim(l->d);
    const struct prog_span span = slots_now(l->d, l->of.core);
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        struct text value = {0};
        uint32_t used = 0;
        for (uint32_t i = span.begin; i < span.end; i++)
            used += sim->prog->slots.at[i].engine == e;
        text_addf(&value, "%u of %u slots", used, sim->config.machine.slots[e]);
        add(l, variable(isa_engine_name((enum isa_engine)e), &value, "engine",
                        used ? refer(ENGINE, l->of.core, e) : 0, used));
    }
}

static void list_slots(const struct listing *l)
{
    const struct sim *sim = dap_sim(l->d);
    const struct prog_span span = slots_now(l->d, l->of.core);
    unsigned number = 0;
    for (uint32_t i = span.begin; i < span.end; i++) {
        const struct isa_slot *s = &sim->prog->slots.at[i];
        struct text value = {0};
        char name[16];
        if (s->engine != l->of.number)
            continue;
        prog_slot_text(sim->prog, s, &value);
        text_add(&value, "    ");
        debug_reads(sim, l->of.core, s, l->hex, &value);
        debug_note(sim->prog, i, &value);
        (void)snprintf(name, sizeof name, "[%u]", number++);
        add(l, variable(name, &value, "slot", 0, 0));
    }
}

json_t *dap_variables(struct dap *d, const json_t *args)
{
    struct word_range words;
    const json_int_t start = dap_int(args, "start", 0), count = dap_int(args, "count", 0);
    const struct listing l = {
        .d = d,
        .of = resolve(d, dap_int(args, "variablesReference", 0)),
        .hex = dap_hex(args),
        .start = start > 0 ? (size_t)start : 0,
        .count = count > 0 && count < MAX_SHOWN ? (size_t)count : MAX_SHOWN,
        .list = json_array(),
    };
    const char *filter = dap_chars(args, "filter");
    const bool indexed = container_words(d, &l.of, &words) || l.of.container == ENGINE;
    if (l.of.container == NOTHING) {
        json_decref(l.list);
        return dap_fail(d, "no variables %lld", (long long)dap_int(args, "variablesReference", 0));
    }
    if (!filter || strcmp(filter, indexed ? "indexed" : "named") == 0)
        switch (l.of.container) {
        case NAMES: list_names(&l); break;
        case REGISTERS: list_registers(&l); break;
        case ENGINES: list_engines(&l); break;
        case ENGINE: list_slots(&l); break;
        default: list_words(&l, &words); break;
        }
    return json_pack("{s:o}", "variables", l.list);
}

/* --- values -------------------------------------------------------------------------- */

static bool evaluate_number(struct dap *d, const char *text, uint32_t core, uint64_t *value)
{
    struct expr *e;
    struct diag diag = {0};
    const bool good = expr_parse(text, dap_sim(d)->prog, &e, &diag) == ST_OK &&
                      expr_value(e, dap_sim(d), core, value, &diag) == ST_OK;
    if (!good)
        (void)dap_fail(d, "%s", diag.text);
    expr_free(e);
    return good;
}

/* Sets every word of the variable. */
json_t *dap_set_variable(struct dap *d, const json_t *args)
{
    struct word_range word_range;
    uint64_t value;
    struct diag diag = {0};
    struct text shown = {0};
    const json_int_t container = dap_int(args, "variablesReference", 0);
    const char *name = dap_chars(args, "name"), *text = dap_chars(args, "value");
    if (!name || !text || !dap_variable_words(d, container, name, &word_range) || word_range.n > ISA_MAX_VLEN)
        return dap_fail(d, "this cannot be set");
    if (!evaluate_number(d, text, resolve(d, container).core, &value))
        return NULL;
    for (uint32_t i = 0; i < word_range.n; i++)
        if (replay_set(d->s.r, word_range.core, (uint64_t)word_range.first + i, (uint32_t)value, &diag) !=
            ST_OK)
            return dap_fail(d, "%s", diag.text);
    debug_words(&word_range, dap_sim(d), dap_hex(args), &shown);
    return json_pack("{s:o}", "value", dap_text(&shown));
}

static json_t *result(struct text *value, const char *type, json_int_t reference, size_t words)
{
    json_t *body = json_pack("{s:o, s:s, s:I}", "result", dap_text(value), "type", type, "variablesReference",
                             reference);
    if (body && reference)
        (void)json_object_set_new(body, "indexedVariables", json_integer((json_int_t)words));
    return body;
}

static json_t *evaluate_place(struct dap *d, const struct word_range *word_range, uint32_t core, bool hex)
{
    enum { MAX_PLACES = 10000 };
    struct text value = {0};
    json_int_t reference = 0;
    value_text(dap_sim(d), word_range, hex, &value);
    if (word_range->n > 1 && d->places.n < MAX_PLACES && vec_push(&d->places, *word_range))
        reference = refer(PLACE, core, d->places.n - 1);
    return result(&value, word_range->n > 1 ? "words" : "word", reference, word_range->n);
}

/* The commands that look at something, in the debug console. */
static json_t *console(struct dap *d, const char *line)
{
    struct text out = {0};
    struct diag diag = {0};
    if (debug_look(&d->s, line, &out, &diag) != ST_OK) {
        text_free(&out);
        return dap_fail(d, "%s", diag.text);
    }
    while (out.n && out.at[out.n - 1] == '\n')
        out.at[--out.n] = '\0';
    return result(&out, "text", 0, 0);
}

/* An editor waits for the answer: a search through a long run is given up. */
static bool takes_long(void *user)
{
    enum { SECONDS = 5 };
    const struct timespec *start = user;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec - start->tv_sec > SECONDS;
}

static json_t *evaluate(struct dap *d, const json_t *args)
{
    uint32_t core = d->s.core;
    uint64_t value;
    struct word_range word_range;
    struct provenance origin;
    struct diag diag;
    struct text shown = {0};
    const char *text = dap_chars(args, "expression"), *context = dap_chars(args, "context");
    if (!text)
        return dap_fail(d, "evaluate: expected an `expression`");
    if (json_object_get(args, "frameId") && !dap_core(d, args, "frameId", &core))
        return NULL;
    d->s.core = core;
    if (session_words(&d->s, text, &word_range, &origin, &diag) == ST_OK)
        return evaluate_place(d, &word_range, core, dap_hex(args));
    if (evaluate_number(d, text, core, &value)) {
        text_addf(&shown, dap_hex(args) ? "0x%" PRIx64 : "%" PRIu64, value);
        return result(&shown, "number", 0, 0);
    }
    return context && strcmp(context, "repl") == 0 ? console(d, text) : NULL;
}

json_t *dap_evaluate(struct dap *d, const json_t *args)
{
    struct timespec start;
    struct replay *r = d->s.r;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    r->interrupt = takes_long;
    r->user = &start;
    json_t *body = evaluate(d, args);
    r->interrupt = NULL;
    return body;
}
