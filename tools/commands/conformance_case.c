#include "tools/commands/conformance_case.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine/batch.h"
#include "sim/program/json_scan.h"

/* A member's key among those an object may have. */
static bool is(const struct json_token *key, const char *name)
{
    return strlen(name) == key->n && memcmp(name, key->at, key->n) == 0;
}

static bool unknown_key(struct scan *s, const struct json_token *key)
{
    return scan_fail(s, key->offset, "unknown key \"%.*s\"", (int)(key->n < 80 ? key->n : 80), key->at);
}

static bool read_bool(struct scan *s, bool *out)
{
    struct text t = {0};
    const size_t at = s->pos;
    bool good = scan_value(s, &t);
    if (good) {
        *out = strcmp(t.at, "true") == 0;
        if (!*out && strcmp(t.at, "false") != 0)
            good = scan_fail(s, at, "expected true or false");
    }
    text_free(&t);
    return good;
}

static bool read_u32(struct scan *s, uint32_t *out, const char *what)
{
    int64_t value = 0;
    const bool good = scan_int(s, 0, UINT32_MAX, &value, what);
    *out = (uint32_t)value;
    return good;
}

/* A list of words, appended to a VEC(uint32_t). */
#define READ_WORDS(s, v) read_words((s), &(v)->at, &(v)->n, &(v)->capacity)

static bool read_words(struct scan *s, uint32_t **at, size_t *n, size_t *capacity)
{
    if (!scan_open(s, '[', "a list of words"))
        return false;
    for (bool first = true; scan_item(s, ']', &first);) {
        uint32_t word;
        if (!read_u32(s, &word, "a word from 0 to 4294967295"))
            return false;
        if (!vec_grow((void **)at, capacity, *n, 1, sizeof word))
            return scan_no_memory(s);
        (*at)[(*n)++] = word;
    }
    return s->status == ST_OK;
}

static bool read_config(struct scan *s, struct vector *v)
{
    if (!scan_open(s, '{', "an object"))
        return false;
    for (bool first = true; scan_item(s, '}', &first);) {
        struct json_token key;
        if (!scan_key(s, &key))
            return false;
        const bool good = is(&key, "n_cores")        ? read_u32(s, &v->machine.cores, "a number of cores")
                          : is(&key, "scratch_size") ? read_u32(s, &v->machine.scratch, "a number of words")
                          : is(&key, "enable_pause") ? read_bool(s, &v->pause)
                          : is(&key, "enable_debug") ? read_bool(s, &v->debug)
                                                     : unknown_key(s, &key);
        if (!good)
            return false;
    }
    return s->status == ST_OK;
}

/* [[key, value], ...] */
static bool read_values(struct scan *s, struct vector *v)
{
    if (!scan_open(s, '[', "a list of values"))
        return false;
    for (bool first = true; scan_item(s, ']', &first);) {
        struct text key = {0};
        bool inner = true;
        uint32_t value = 0;
        bool good = scan_open(s, '[', "a list of a key and a value") && scan_item(s, ']', &inner) &&
                    scan_value(s, &key) && scan_item(s, ']', &inner) && read_u32(s, &value, "a word");
        if (good && scan_item(s, ']', &inner))
            good = scan_fail(s, s->pos, "expected a key and a value only");
        const char *copy = good ? arena_text(&v->arena, key.at, key.n) : NULL;
        text_free(&key);
        if (!good || s->status != ST_OK)
            return scan_fail(s, s->pos, "expected a key and a value");
        if (!copy || !vec_push(&v->values, (struct sim_value){copy, value}))
            return scan_no_memory(s);
    }
    return s->status == ST_OK;
}

/* Notes where the value at the current place stands, without reading it: programs
 * are read by prog_read_json. */
static bool note_program(struct scan *s, struct vector *v)
{
    if (scan_peek(s) < 0)
        return scan_fail(s, s->pos, "expected a program");
    const size_t start = s->pos;
    unsigned depth = 0;
    bool quoted = false;
    do {
        const char c = s->text[s->pos];
        if (quoted && c == '\\' && s->pos + 1 < s->size)
            s->pos++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '[' || c == '{'))
            depth++;
        else if (!quoted && (c == ']' || c == '}') && depth)
            depth--;
        s->pos++;
    } while (s->pos < s->size && (depth || quoted));
    if (depth || quoted)
        return scan_fail(s, start, "the program has no end");
    v->program = s->text + start;
    v->program_size = s->pos - start;
    return true;
}

static bool read_fault(struct scan *s, struct vector *v)
{
    struct text t = {0};
    if (scan_peek(s) == 'n')
        return scan_value(s, &t) && (text_free(&t), true);
    struct json_token name;
    if (!scan_string(s, &name, "null or a fault's kind"))
        return false;
    unsigned kind = FAULT_NONE + 1;
    while (kind < FAULT_KINDS && !is(&name, sim_fault_name((enum sim_fault_kind)kind)))
        kind++;
    v->fault = (enum sim_fault_kind)kind;
    return kind < FAULT_KINDS || scan_fail(s, name.offset, "no such fault");
}

/* {"35": 7, ...} */
static bool read_scratch(struct scan *s, struct vector_core *c)
{
    if (!scan_open(s, '{', "an object"))
        return false;
    for (bool first = true; scan_item(s, '}', &first);) {
        struct json_token key;
        struct vector_word w = {0};
        if (!scan_key(s, &key))
            return false;
        for (size_t i = 0; i < key.n; i++) {
            if (key.at[i] < '0' || key.at[i] > '9' || w.address > ISA_MAX_SCRATCH)
                return scan_fail(s, key.offset, "expected a scratch address");
            w.address = 10 * w.address + (uint32_t)(key.at[i] - '0');
        }
        if (!read_u32(s, &w.value, "a word"))
            return false;
        if (!vec_push(&c->scratch, w))
            return scan_no_memory(s);
    }
    return s->status == ST_OK;
}

static bool read_core(struct scan *s, struct vector_core *c)
{
    if (!scan_open(s, '{', "an object"))
        return false;
    for (bool first = true; scan_item(s, '}', &first);) {
        struct json_token key;
        if (!scan_key(s, &key))
            return false;
        const bool good = is(&key, "pc")        ? scan_int(s, 0, INT64_MAX, &c->pc, "a bundle number")
                          : is(&key, "scratch") ? read_scratch(s, c)
                          : is(&key, "trace")   ? READ_WORDS(s, &c->trace)
                                                : unknown_key(s, &key);
        if (!good)
            return false;
    }
    return s->status == ST_OK;
}

static bool read_cores(struct scan *s, struct vector *v)
{
    if (!scan_open(s, '[', "a list of cores"))
        return false;
    for (bool first = true; scan_item(s, ']', &first);) {
        if (!vec_push(&v->cores, (struct vector_core){0}))
            return scan_no_memory(s);
        if (!read_core(s, &v->cores.at[v->cores.n - 1]))
            return false;
    }
    return s->status == ST_OK;
}

static bool read_expect(struct scan *s, struct vector *v)
{
    unsigned seen = 0;
    if (!scan_open(s, '{', "an object"))
        return false;
    for (bool first = true; scan_item(s, '}', &first);) {
        struct json_token key;
        if (!scan_key(s, &key))
            return false;
        static const char *const keys[] = {"fault", "cycles", "runs", "mem", "cores"};
        unsigned i = 0;
        while (i < 5 && !is(&key, keys[i]))
            i++;
        seen |= 1u << i;
        int64_t number = 0;
        const bool good = i == 0   ? read_fault(s, v)
                          : i == 1 ? scan_int(s, 0, INT64_MAX, &number, "a number of cycles")
                          : i == 2 ? scan_int(s, 0, INT64_MAX, &number, "a number of runs")
                          : i == 3 ? READ_WORDS(s, &v->end_mem)
                          : i == 4 ? read_cores(s, v)
                                   : unknown_key(s, &key);
        if (!good)
            return false;
        if (i == 1)
            v->cycles = (uint64_t)number;
        if (i == 2)
            v->runs = (uint64_t)number;
    }
    const unsigned needed = v->fault == FAULT_NONE ? 0x1f : 0x3;
    return s->status == ST_OK &&
           ((seen & needed) == needed ||
            scan_fail(s, s->pos,
                      "\"expect\" needs fault and cycles, and without a fault runs, mem and cores"));
}

static bool read_vector(struct scan *s, struct vector *v)
{
    unsigned seen = 0;
    if (!scan_open(s, '{', "an object"))
        return false;
    for (bool first = true; scan_item(s, '}', &first);) {
        struct json_token key, name;
        if (!scan_key(s, &key))
            return false;
        static const char *const keys[] = {"name", "config", "mem", "program", "expect", "values"};
        unsigned i = 0;
        while (i < 6 && !is(&key, keys[i]))
            i++;
        seen |= 1u << i;
        const bool good = i == 0   ? scan_string(s, &name, "a name")
                          : i == 1 ? read_config(s, v)
                          : i == 2 ? READ_WORDS(s, &v->mem)
                          : i == 3 ? note_program(s, v)
                          : i == 4 ? read_expect(s, v)
                          : i == 5 ? read_values(s, v)
                                   : unknown_key(s, &key);
        if (!good)
            return false;
        if (i == 0)
            text_add_n(&v->name, name.at, name.n);
    }
    return s->status == ST_OK &&
           ((seen & 0x1f) == 0x1f ||
            scan_fail(s, 0, "a vector needs name, config, mem, program and expect")) &&
           scan_finish(s);
}

enum status vector_read(const char *line, size_t size, const char *file, unsigned number, struct vector *out,
                        struct diag *d)
{
    *out = (struct vector){.machine = isa_default_machine(), .debug = true};
    struct scan s;
    scan_begin(&s, line, size, file, d);
    (void)read_vector(&s, out);
    scan_end(&s);
    if (s.status == ST_OK && !text_ok(&out->name))
        return diag_set(d, ST_NOMEM, "out of memory while reading a vector");
    if (s.status == ST_INPUT && d)
        d->line = number;
    return s.status;
}

void vector_free(struct vector *v)
{
    text_free(&v->name);
    vec_free(&v->mem);
    vec_free(&v->values);
    arena_free(&v->arena);
    vec_free(&v->end_mem);
    for (size_t i = 0; i < v->cores.n; i++) {
        vec_free(&v->cores.at[i].scratch);
        vec_free(&v->cores.at[i].trace);
    }
    vec_free(&v->cores);
}

/* --- conformance run --------------------------------------------------------------------- */

static bool words_differ(const char *what, const uint32_t *found, size_t n, const uint32_t *expected,
                         size_t m, struct text *out)
{
    if (n != m) {
        text_addf(out, "%s: %zu words, expected %zu", what, n, m);
        return true;
    }
    for (size_t i = 0; i < n; i++)
        if (found[i] != expected[i]) {
            text_addf(out, "%s word %zu is %u, expected %u", what, i, found[i], expected[i]);
            return true;
        }
    return false;
}

/* One core; false when out of memory. */
static bool compare_core(const struct sim *s, uint32_t core, const struct vector_core *v, struct text *out)
{
    const struct sim_core *c = &s->cores[core];
    const uint32_t size = s->config.machine.scratch;
    char what[32];
    (void)snprintf(what, sizeof what, "core %u: scratch", core);
    if (c->pc != v->pc) {
        text_addf(out, "core %u: pc is %" PRId64 ", expected %" PRId64, core, c->pc, v->pc);
        return true;
    }
    uint32_t *scratch = calloc(size, sizeof *scratch);
    if (!scratch)
        return false;
    bool differs = false;
    for (size_t i = 0; i < v->scratch.n && !differs; i++) {
        const struct vector_word w = v->scratch.at[i];
        differs = w.address >= size;
        if (differs)
            text_addf(out, "%s has no word %u", what, w.address);
        else
            scratch[w.address] = w.value;
    }
    differs = differs || words_differ(what, c->scratch, size, scratch, size, out);
    free(scratch);
    (void)snprintf(what, sizeof what, "core %u: trace", core);
    if (!differs)
        (void)words_differ(what, c->trace.at, c->trace.n, v->trace.at, v->trace.n, out);
    return true;
}

static bool compare(const struct vector *v, const struct sim *s, uint64_t runs, struct text *out)
{
    if (s->fault.kind != v->fault) {
        text_addf(out, "fault %s, expected %s", sim_fault_name(s->fault.kind), sim_fault_name(v->fault));
        if (s->fault.kind != FAULT_NONE) {
            text_add(out, ": ");
            sim_fault_text(s, out);
        }
    } else if (s->cycle != v->cycles) {
        text_addf(out, "%" PRIu64 " cycles, expected %" PRIu64, s->cycle, v->cycles);
    } else if (v->fault == FAULT_NONE) {
        if (runs != v->runs)
            text_addf(out, "%" PRIu64 " runs, expected %" PRIu64, runs, v->runs);
        else if (s->config.machine.cores != v->cores.n)
            text_addf(out, "%u cores, expected %zu", s->config.machine.cores, v->cores.n);
        else
            (void)words_differ("memory", s->mem, s->mem_words, v->end_mem.at, v->end_mem.n, out);
        for (uint32_t c = 0; c < v->cores.n && out->n == 0; c++)
            if (!compare_core(s, c, &v->cores.at[c], out))
                return false;
    }
    return text_ok(out);
}

static bool reject(enum status status, const struct diag *d, struct text *out)
{
    text_addf(out, "rejected: %s", d->text);
    return status != ST_NOMEM;
}

static bool run_alone(const struct vector *v, const struct prog *p, const struct sim_config *config,
                      struct text *difference)
{
    struct sim *s;
    struct diag d;
    const enum status status = sim_create(p, config, v->mem.at, v->mem.n, &s, &d);
    if (status != ST_OK)
        return reject(status, &d, difference);
    uint64_t runs = 1;
    while (sim_run(s) == SIM_PAUSED)
        runs++;
    const bool good = compare(v, s, runs, difference);
    sim_destroy(s);
    return good;
}

static bool run_batch(const struct vector *v, const struct prog *p, const struct sim_config *config,
                      uint32_t instances, struct text *difference)
{
    struct sim_batch *b;
    struct diag d;
    uint32_t *mems = calloc(instances, v->mem.n * sizeof *mems + 1);
    if (!mems)
        return false;
    for (uint32_t i = 0; i < instances; i++)
        for (size_t w = 0; w < v->mem.n; w++)
            mems[i * v->mem.n + w] = v->mem.at[w];
    const enum status status = batch_create(p, config, mems, v->mem.n, instances, &b, &d);
    free(mems);
    if (status != ST_OK)
        return reject(status, &d, difference);
    batch_run(b);
    bool good = true;
    for (uint32_t i = 0; i < instances && good && difference->n == 0; i++)
        good = compare(v, batch_state(b, i), batch_runs(b, i), difference);
    batch_destroy(b);
    return good;
}

bool vector_run(const struct vector *v, enum sim_simulator simulator, uint32_t instances,
                struct text *difference)
{
    struct prog *p;
    struct diag d;
    const enum status status = prog_read_json(v->program, v->program_size, NULL, &p, &d);
    if (status != ST_OK)
        return reject(status, &d, difference);
    struct sim_config config = sim_default_config();
    config.machine = v->machine;
    config.simulator = simulator;
    config.pause = v->pause;
    config.debug = v->debug;
    config.values = v->values.at;
    config.n_values = v->values.n;
    const bool good =
        instances ? run_batch(v, p, &config, instances, difference) : run_alone(v, p, &config, difference);
    prog_destroy(p);
    return good;
}
