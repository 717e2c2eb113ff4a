/* Programs from JSON. The grammar is fixed and programs may have millions of slots,
 * so they are scanned directly, without a tree in between. */
#include <stdlib.h>
#include <string.h>

#include "sim/program/json_slot.h"
#include "sim/program/symbols.h"

struct reader {
    struct scan *s;
    struct prog *p;
    struct text *spare; /* see json_slot.h */
};

static bool read_group(struct reader *r, unsigned *seen)
{
    struct json_token name;
    if (!scan_key(r->s, &name))
        return false;
    const enum isa_engine engine = isa_find_engine(name.at, name.n);
    if (engine == ISA_ENGINES)
        return scan_fail(r->s, name.offset, "there is no engine `%.*s`", TOKEN(name));
    if (*seen & 1u << engine)
        return scan_fail(r->s, name.offset, "engine `%s` is named twice in one bundle",
                         isa_engine_name(engine));
    *seen |= 1u << engine;
    if (!scan_open(r->s, '[', "a list of slots"))
        return false;
    if (!prog_add_group(r->p, engine))
        return scan_no_memory(r->s);
    for (bool first = true; scan_item(r->s, ']', &first);)
        if (!scan_slot(r->s, r->p, engine, r->spare))
            return false;
    return r->s->status == ST_OK;
}

static bool read_bundle(struct reader *r)
{
    (void)scan_peek(r->s);
    if (r->p->bundles.n >= PROG_MAX_BUNDLES)
        return scan_fail(r->s, r->s->pos, "more than %d bundles", PROG_MAX_BUNDLES);
    const uint32_t line = r->s->line;
    if (!scan_open(r->s, '{', "a bundle (an object)"))
        return false;
    if (!prog_add_bundle(r->p, line))
        return scan_no_memory(r->s);
    unsigned seen = 0;
    for (bool first = true; scan_item(r->s, '}', &first);)
        if (!read_group(r, &seen))
            return false;
    return r->s->status == ST_OK;
}

static bool read_bundles(struct reader *r)
{
    if (!scan_open(r->s, '[', "a list of bundles"))
        return false;
    for (bool first = true; scan_item(r->s, ']', &first);)
        if (!read_bundle(r))
            return false;
    return r->s->status == ST_OK;
}

/* A parameter of the machine; the machine as a whole is checked after each, so
 * that the one to blame is pointed at. */
static bool read_parameter(struct reader *r, uint32_t *out)
{
    int64_t value;
    (void)scan_peek(r->s);
    const size_t at = r->s->pos;
    if (!scan_int(r->s, 0, UINT32_MAX, &value, "a whole number from 0 to 2^32-1"))
        return false;
    *out = (uint32_t)value;
    const char *why = isa_machine_validate(&r->p->machine);
    return !why || scan_fail(r->s, at, "%s, found %u", why, *out);
}

static bool is(const struct json_token *t, const char *name)
{
    return strlen(name) == t->n && memcmp(name, t->at, t->n) == 0;
}

/* Which of a list of keys this is, given once at most; -1 on failure. */
static int known_key(struct reader *r, const struct json_token *key, const char *const *names, unsigned *seen,
                     const char *where)
{
    for (int i = 0; names[i]; i++) {
        if (!is(key, names[i]))
            continue;
        if (*seen & 1u << i)
            (void)scan_fail(r->s, key->offset, "key `%s` is given twice", names[i]);
        *seen |= 1u << i;
        return r->s->status == ST_OK ? i : -1;
    }
    (void)scan_fail(r->s, key->offset, "unknown key `%.*s` in %s", TOKEN(*key), where);
    return -1;
}

/* A number for each engine. */
static bool read_by_engine(struct reader *r, uint32_t *at, unsigned engines, const char *what)
{
    if (!scan_open(r->s, '{', "an object of numbers by engine"))
        return false;
    unsigned seen = 0;
    const char *names[ISA_ENGINES + 1] = {NULL};
    for (unsigned e = 0; e < engines; e++)
        names[e] = isa_engine_name((enum isa_engine)e);
    for (bool first = true; scan_item(r->s, '}', &first);) {
        struct json_token key;
        if (!scan_key(r->s, &key))
            return false;
        const int e = known_key(r, &key, names, &seen, what);
        if (e < 0 || !read_parameter(r, &at[e]))
            return false;
    }
    return r->s->status == ST_OK;
}

static bool read_machine(struct reader *r)
{
    static const char *const names[] = {"slots", "latency", "vlen", "scratch", "cores", NULL};
    struct isa_machine *m = &r->p->machine;
    uint32_t *const parameters[] = {NULL, NULL, &m->vlen, &m->scratch, &m->cores};
    if (!scan_open(r->s, '{', "a machine (an object)"))
        return false;
    unsigned seen = 0;
    for (bool first = true; scan_item(r->s, '}', &first);) {
        struct json_token key;
        if (!scan_key(r->s, &key))
            return false;
        const int i = known_key(r, &key, names, &seen, "a machine");
        if (i < 0 || !(i == 0   ? read_by_engine(r, m->slots, ISA_ENGINES, "a machine's slots")
                       : i == 1 ? read_by_engine(r, m->latency, ENGINE_DEBUG, "a machine's latencies")
                                : read_parameter(r, parameters[i])))
            return false;
    }
    return r->s->status == ST_OK;
}

/* A key of the scratch map: an address in plain decimal. */
static bool parse_address(struct reader *r, const struct json_token *key, uint32_t *out)
{
    uint64_t value = 0;
    bool good = key->n > 0 && key->n < 11 && (key->n == 1 || key->at[0] != '0');
    for (size_t i = 0; good && i < key->n; i++) {
        good = key->at[i] >= '0' && key->at[i] <= '9';
        value = value * 10 + (uint64_t)(key->at[i] - '0');
    }
    if (!good || value > INT32_MAX)
        return scan_fail(r->s, key->offset, "expected a scratch address in decimal as key, found `%.*s`",
                         TOKEN(*key));
    *out = (uint32_t)value;
    return true;
}

static bool read_name(struct reader *r, size_t *offset)
{
    struct json_token key, name;
    uint32_t address = 0;
    int64_t words;
    bool first = true;
    if (!scan_key(r->s, &key) || !parse_address(r, &key, &address) ||
        !scan_open(r->s, '[', "a list of name and length"))
        return false;
    *offset = key.offset;
    if (!scan_item(r->s, ']', &first))
        return scan_fail(r->s, r->s->pos - 1, "expected a name and a length, found ']'");
    if (!scan_string(r->s, &name, "a name"))
        return false;
    if (!scan_item(r->s, ']', &first))
        return scan_fail(r->s, r->s->pos - 1, "expected a length after the name, found ']'");
    if (!scan_int(r->s, 0, ISA_MAX_SCRATCH, &words, "a length in words"))
        return false;
    if (scan_item(r->s, ']', &first))
        return scan_fail(r->s, r->s->pos, "expected ']' after name and length");
    return r->s->status == ST_OK &&
           (prog_add_name(r->p, name.at, name.n, address, (uint32_t)words) || scan_no_memory(r->s));
}

/* `offsets` are those of the keys, one for each of the program's names. */
static bool check_names(struct reader *r, const size_t *offsets, size_t n)
{
    bool *repeated = symbols_repeated(r->p);
    if (!repeated)
        return scan_no_memory(r->s);
    for (size_t i = 0; i < n; i++)
        if (repeated[i])
            (void)scan_fail(r->s, offsets[i], "address %u has a name already", r->p->names.at[i].address);
    free(repeated);
    return r->s->status == ST_OK;
}

static bool read_names(struct reader *r)
{
    VEC(size_t) offsets = {0};
    if (!scan_open(r->s, '{', "a scratch map (an object)"))
        return false;
    for (bool first = true; scan_item(r->s, '}', &first);) {
        size_t offset;
        if (!read_name(r, &offset))
            break;
        if (!vec_push(&offsets, offset))
            (void)scan_no_memory(r->s);
    }
    const bool good = r->s->status == ST_OK && check_names(r, offsets.at, offsets.n);
    vec_free(&offsets);
    return good;
}

static bool read_object(struct reader *r)
{
    static const char *const names[] = {"machine", "scratch_map", "program", NULL};
    static bool (*const readers[])(struct reader *) = {read_machine, read_names, read_bundles};
    enum { PROGRAM = 2 };
    r->p->object_form = true;
    unsigned seen = 0;
    const size_t start = r->s->pos;
    if (!scan_open(r->s, '{', "an object"))
        return false;
    for (bool first = true; scan_item(r->s, '}', &first);) {
        struct json_token key;
        if (!scan_key(r->s, &key))
            return false;
        const int i = known_key(r, &key, names, &seen, "a program");
        if (i < 0 || !readers[i](r))
            return false;
    }
    if (!(seen & 1u << PROGRAM))
        return scan_fail(r->s, start, "key `program` is missing");
    return r->s->status == ST_OK;
}

static bool read_program(struct reader *r)
{
    const int c = scan_peek(r->s);
    if (c != '[' && c != '{')
        return scan_fail(r->s, r->s->pos, "expected a program (a list of bundles, or an object), found %s",
                         scan_found(r->s));
    return (c == '{' ? read_object(r) : read_bundles(r)) && (prog_index_names(r->p) || scan_no_memory(r->s));
}

enum status prog_read_json(const char *text, size_t size, const char *file, struct prog **out, struct diag *d)
{
    *out = NULL;
    struct scan s;
    struct text spare = {0};
    struct reader r = {&s, prog_create(), &spare};
    scan_begin(&s, text, size, file, d);
    if (!r.p)
        (void)scan_no_memory(&s);
    else if (read_program(&r))
        (void)scan_finish(&s);
    text_free(&spare);
    scan_end(&s);
    if (s.status != ST_OK)
        prog_destroy(r.p);
    else
        *out = r.p;
    return s.status;
}

/* --- several programs --------------------------------------------------------------- */

/* {"name": ..., "program": ...}, appended in any case, for its owner to free. */
static bool read_named(struct reader *r, struct prog_list *out)
{
    static const char *const names[] = {"name", "program", NULL};
    enum { BOTH = 3 };
    unsigned seen = 0;
    (void)scan_peek(r->s);
    const size_t start = r->s->pos;
    r->p = prog_create();
    if (!r->p || !vec_push(&out->list, (struct prog_named){"", r->p})) {
        prog_destroy(r->p);
        return scan_no_memory(r->s);
    }
    struct prog_named *stage = &out->list.at[out->list.n - 1];
    if (!scan_open(r->s, '{', "a name and a program (an object)"))
        return false;
    for (bool first = true; scan_item(r->s, '}', &first);) {
        struct json_token key, name;
        if (!scan_key(r->s, &key))
            return false;
        const int i = known_key(r, &key, names, &seen, "a stage");
        if (i < 0 || !(i == 0 ? scan_string(r->s, &name, "a name") : read_program(r)))
            return false;
        if (i == 0 && !(stage->name = arena_text(&r->p->arena, name.at, name.n)))
            return scan_no_memory(r->s);
    }
    return seen == BOTH ? r->s->status == ST_OK
                        : scan_fail(r->s, start, "a stage has a `name` and a `program`");
}

/* Whether the text is {"stages": ...; if so, the scanner is behind the key. */
static bool begins_list(struct scan *s)
{
    static const char name[] = "stages";
    struct json_token key;
    bool first = true;
    if (scan_peek(s) != '{')
        return false;
    struct scan look = *s;
    look.d = NULL;
    look.spelled = (struct text){0};
    const bool found = scan_open(&look, '{', "an object") && scan_item(&look, '}', &first) &&
                       scan_key(&look, &key) && key.n == sizeof name - 1 && memcmp(key.at, name, key.n) == 0;
    scan_end(&look);
    if (found) {
        s->pos = look.pos;
        s->line = look.line;
    }
    return found;
}

static bool read_list(struct reader *r, struct prog_list *out)
{
    bool first = false; /* of the object: `stages` was */
    if (!scan_open(r->s, '[', "a list of stages"))
        return false;
    for (bool one = true; scan_item(r->s, ']', &one);)
        if (!read_named(r, out))
            return false;
    if (r->s->status == ST_OK && !out->list.n)
        return scan_fail(r->s, r->s->pos - 1, "expected at least one stage");
    if (scan_item(r->s, '}', &first))
        return scan_fail(r->s, r->s->pos, "expected nothing behind the stages");
    return scan_finish(r->s);
}

enum status prog_read_json_list(const char *text, size_t size, const char *file, struct prog_list *out,
                                struct diag *d)
{
    *out = (struct prog_list){.list = {0}};
    struct scan s;
    struct text spare = {0};
    struct reader r = {&s, NULL, &spare};
    scan_begin(&s, text, size, file, d);
    const bool several = begins_list(&s);
    if (several)
        (void)read_list(&r, out);
    text_free(&spare);
    scan_end(&s);
    if (several && s.status == ST_OK)
        return ST_OK;
    prog_list_free(out);
    if (several)
        return s.status;
    struct prog *p;
    const enum status status = prog_read_json(text, size, file, &p, d);
    if (status == ST_OK && !vec_push(&out->list, (struct prog_named){"", p})) {
        prog_destroy(p);
        return diag_set(d, ST_NOMEM, "out of memory while reading a program");
    }
    return status;
}

void prog_list_free(struct prog_list *s)
{
    for (size_t i = 0; i < s->list.n; i++)
        prog_destroy(s->list.at[i].prog);
    vec_free(&s->list);
}
