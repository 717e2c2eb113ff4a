/* Programs from JSON. The grammar is fixed and programs may have millions of slots,
 * so they are scanned directly; only what may be any JSON (keys of debug compares,
 * texts, unknown slots) goes through jansson. */
#include <string.h>

#include "sim/program/json_scan.h"
#include "sim/program/program.h"

struct reader {
    struct json_scan s;
    struct prog *p;
    struct text value; /* of the any-JSON operand being read */
};

/* Reads any JSON into the program's texts; its index, or -1 on failure. */
static int64_t read_text(struct reader *r)
{
    r->value.n = 0;
    if (!scan_value(&r->s, &r->value))
        return -1;
    const int64_t index = prog_add_text(r->p, r->value.at, r->value.n);
    if (index < 0)
        (void)scan_no_memory(&r->s);
    return index;
}

static bool read_keys(struct reader *r, struct isa_slot *slot)
{
    slot->literal = (int64_t)r->p->texts.n;
    slot->arg[1] = 0;
    if (!scan_open(&r->s, '[', "a list of keys"))
        return false;
    for (bool first = true; scan_item(&r->s, ']', &first);) {
        if (read_text(r) < 0)
            return false;
        slot->arg[1]++;
    }
    return r->s.status == ST_OK;
}

static bool read_operand(struct reader *r, struct isa_slot *slot, unsigned i)
{
    const enum isa_role role = isa_info((enum isa_op)slot->op)->role[i];
    switch (role) {
    case ROLE_KEYS: return read_keys(r, slot);
    case ROLE_KEY:
    case ROLE_TEXT: return (slot->literal = read_text(r)) >= 0;
    case ROLE_TARGET: return scan_int(&r->s, INT64_MIN, INT64_MAX, &slot->literal, "a bundle number");
    case ROLE_RELATIVE: return scan_int(&r->s, INT64_MIN, INT64_MAX, &slot->literal, "a distance in bundles");
    case ROLE_NONE:
    case ROLE_LITERAL:
    case ROLE_LANE: return scan_int(&r->s, INT64_MIN, INT64_MAX, &slot->literal, "a whole number");
    default: break;
    }
    int64_t address;
    const char *what =
        isa_role_is_dest(role) ? "the destination, a scratch address (32 bit)" : "a scratch address (32 bit)";
    if (!scan_int(&r->s, INT32_MIN, INT32_MAX, &address, what))
        return false;
    slot->arg[i] = (int32_t)address;
    return true;
}

/* The operands of a known operation, the closing bracket included. */
static bool read_operands(struct reader *r, struct isa_slot *slot)
{
    const struct isa_info *info = isa_info((enum isa_op)slot->op);
    bool first = false;
    for (unsigned i = 0; i < info->args; i++) {
        if (!scan_item(&r->s, ']', &first))
            return scan_fail(&r->s, r->s.pos - 1, "`%s` takes %u operand%s, found %u", info->name, info->args,
                             info->args == 1 ? "" : "s", i);
        if (!read_operand(r, slot, i))
            return false;
    }
    if (scan_item(&r->s, ']', &first))
        return scan_fail(&r->s, r->s.pos, "`%s` takes %u operand%s, found more", info->name, info->args,
                         info->args == 1 ? "" : "s");
    return r->s.status == ST_OK;
}

/* Whether what follows a debug comment's name is exactly one operand. Anything
 * else is a debug slot that means nothing, which is allowed. */
static bool is_comment(struct reader *r)
{
    struct reader ahead = *r;
    ahead.s.spelled = ahead.value = (struct text){0};
    ahead.s.d = NULL;
    bool first = false;
    const bool good =
        scan_item(&ahead.s, ']', &first) && scan_value(&ahead.s, &ahead.value) && !scan_item(&ahead.s, ']', &first);
    const bool one = good && ahead.s.status == ST_OK;
    if (ahead.s.status == ST_NOMEM)
        (void)scan_no_memory(&r->s);
    text_free(&ahead.s.spelled);
    text_free(&ahead.value);
    return one;
}

static bool read_slot(struct reader *r, enum isa_engine engine)
{
    (void)scan_peek(&r->s);
    const size_t start = r->s.pos;
    const uint32_t line = r->s.line;
    struct json_token name;
    if (!scan_open(&r->s, '[', "a slot (a list)") || !scan_string(&r->s, &name, "an operation's name"))
        return false;
    struct isa_slot slot = {.engine = (uint8_t)engine};
    enum isa_op op = isa_find_op(engine, name.at, name.n);
    if (isa_info(op)->kind == KIND_NOTHING && !is_comment(r))
        op = OP_UNKNOWN;
    if (op == OP_UNKNOWN) {
        r->s.pos = start;
        r->s.line = line;
        op = engine == ENGINE_DEBUG ? OP_IGNORED : OP_UNKNOWN;
        slot.literal = read_text(r);
    }
    slot.op = (uint8_t)op;
    if (op < ISA_OPS && !read_operands(r, &slot))
        return false;
    if (r->p->slots.n >= PROG_MAX_SLOTS)
        return scan_fail(&r->s, start, "more than %d slots", PROG_MAX_SLOTS);
    return r->s.status == ST_OK && (prog_add_slot(r->p, slot) || scan_no_memory(&r->s));
}

static bool read_group(struct reader *r, unsigned *seen)
{
    struct json_token name;
    if (!scan_key(&r->s, &name))
        return false;
    const enum isa_engine engine = isa_find_engine(name.at, name.n);
    if (engine == ISA_ENGINES)
        return scan_fail(&r->s, name.offset, "there is no engine `%.*s`", (int)(name.n < 40 ? name.n : 40), name.at);
    if (*seen & 1u << engine)
        return scan_fail(&r->s, name.offset, "engine `%s` is named twice in one bundle", isa_engine_name(engine));
    *seen |= 1u << engine;
    if (!scan_open(&r->s, '[', "a list of slots"))
        return false;
    if (!prog_add_group(r->p, engine))
        return scan_no_memory(&r->s);
    for (bool first = true; scan_item(&r->s, ']', &first);)
        if (!read_slot(r, engine))
            return false;
    return r->s.status == ST_OK;
}

static bool read_bundle(struct reader *r)
{
    (void)scan_peek(&r->s);
    if (r->p->bundles.n >= PROG_MAX_BUNDLES)
        return scan_fail(&r->s, r->s.pos, "more than %d bundles", PROG_MAX_BUNDLES);
    const uint32_t line = r->s.line;
    if (!scan_open(&r->s, '{', "a bundle (an object)"))
        return false;
    if (!prog_add_bundle(r->p, line))
        return scan_no_memory(&r->s);
    unsigned seen = 0;
    for (bool first = true; scan_item(&r->s, '}', &first);)
        if (!read_group(r, &seen))
            return false;
    return r->s.status == ST_OK;
}

static bool read_bundles(struct reader *r)
{
    if (!scan_open(&r->s, '[', "a list of bundles"))
        return false;
    for (bool first = true; scan_item(&r->s, ']', &first);)
        if (!read_bundle(r))
            return false;
    return r->s.status == ST_OK;
}

/* A parameter of the machine; the machine as a whole is checked after each, so
 * that the one to blame is pointed at. */
static bool read_parameter(struct reader *r, uint32_t *out)
{
    int64_t value;
    (void)scan_peek(&r->s);
    const size_t at = r->s.pos;
    if (!scan_int(&r->s, 0, UINT32_MAX, &value, "a whole number from 0 to 2^32-1"))
        return false;
    *out = (uint32_t)value;
    const char *problem = isa_machine_problem(&r->p->machine);
    return !problem || scan_fail(&r->s, at, "%s, found %u", problem, *out);
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
            (void)scan_fail(&r->s, key->offset, "key `%s` is given twice", names[i]);
        *seen |= 1u << i;
        return r->s.status == ST_OK ? i : -1;
    }
    (void)scan_fail(&r->s, key->offset, "unknown key `%.*s` in %s", (int)(key->n < 40 ? key->n : 40), key->at, where);
    return -1;
}

static bool read_limits(struct reader *r)
{
    if (!scan_open(&r->s, '{', "an object of slots by engine"))
        return false;
    unsigned seen = 0;
    const char *names[ISA_ENGINES + 1] = {NULL};
    for (unsigned e = 0; e < ISA_ENGINES; e++)
        names[e] = isa_engine_name((enum isa_engine)e);
    for (bool first = true; scan_item(&r->s, '}', &first);) {
        struct json_token key;
        if (!scan_key(&r->s, &key))
            return false;
        const int e = known_key(r, &key, names, &seen, "a machine's slots");
        if (e < 0 || !read_parameter(r, &r->p->machine.slots[e]))
            return false;
    }
    return r->s.status == ST_OK;
}

static bool read_machine(struct reader *r)
{
    static const char *const names[] = {"slots", "vlen", "scratch", "cores", NULL};
    struct isa_machine *m = &r->p->machine;
    uint32_t *const parameters[] = {NULL, &m->vlen, &m->scratch, &m->cores};
    if (!scan_open(&r->s, '{', "a machine (an object)"))
        return false;
    unsigned seen = 0;
    for (bool first = true; scan_item(&r->s, '}', &first);) {
        struct json_token key;
        if (!scan_key(&r->s, &key))
            return false;
        const int i = known_key(r, &key, names, &seen, "a machine");
        if (i < 0 || !(i == 0 ? read_limits(r) : read_parameter(r, parameters[i])))
            return false;
    }
    return r->s.status == ST_OK;
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
        return scan_fail(&r->s, key->offset, "expected a scratch address in decimal as key, found `%.*s`",
                         (int)(key->n < 40 ? key->n : 40), key->at);
    *out = (uint32_t)value;
    return true;
}

static bool read_name(struct reader *r)
{
    struct json_token key, name;
    uint32_t address = 0;
    int64_t words;
    bool first = true;
    if (!scan_key(&r->s, &key) || !parse_address(r, &key, &address) ||
        !scan_open(&r->s, '[', "a list of name and length"))
        return false;
    if (!scan_item(&r->s, ']', &first))
        return scan_fail(&r->s, r->s.pos - 1, "expected a name and a length, found ']'");
    if (!scan_string(&r->s, &name, "a name"))
        return false;
    if (!scan_item(&r->s, ']', &first))
        return scan_fail(&r->s, r->s.pos - 1, "expected a length after the name, found ']'");
    if (!scan_int(&r->s, 0, ISA_MAX_SCRATCH, &words, "a length in words"))
        return false;
    if (scan_item(&r->s, ']', &first))
        return scan_fail(&r->s, r->s.pos, "expected ']' after name and length");
    return r->s.status == ST_OK &&
           (prog_add_name(r->p, name.at, name.n, address, (uint32_t)words) || scan_no_memory(&r->s));
}

static bool read_names(struct reader *r)
{
    if (!scan_open(&r->s, '{', "a scratch map (an object)"))
        return false;
    for (bool first = true; scan_item(&r->s, '}', &first);)
        if (!read_name(r))
            return false;
    return r->s.status == ST_OK;
}

static bool read_object(struct reader *r)
{
    static const char *const names[] = {"machine", "scratch_map", "program", NULL};
    static bool (*const readers[])(struct reader *) = {read_machine, read_names, read_bundles};
    enum { PROGRAM = 2 };
    r->p->object_form = true;
    unsigned seen = 0;
    const size_t start = r->s.pos;
    if (!scan_open(&r->s, '{', "an object"))
        return false;
    for (bool first = true; scan_item(&r->s, '}', &first);) {
        struct json_token key;
        if (!scan_key(&r->s, &key))
            return false;
        const int i = known_key(r, &key, names, &seen, "a program");
        if (i < 0 || !readers[i](r))
            return false;
    }
    if (!(seen & 1u << PROGRAM))
        return scan_fail(&r->s, start, "key `program` is missing");
    return r->s.status == ST_OK;
}

static bool read_input(struct reader *r)
{
    const int c = scan_peek(&r->s);
    if (c != '[' && c != '{')
        return scan_fail(&r->s, r->s.pos, "expected a program (a list of bundles, or an object), found %s",
                         scan_found(&r->s));
    return (c == '{' ? read_object(r) : read_bundles(r)) && scan_finish(&r->s);
}

enum status prog_read_json(const char *text, size_t size, const char *file, struct prog **out, struct diag *d)
{
    *out = NULL;
    struct reader r = {.p = prog_create()};
    scan_begin(&r.s, text, size, file, d);
    if (!r.p)
        (void)scan_no_memory(&r.s);
    else if (read_input(&r) && !prog_index_names(r.p))
        (void)scan_no_memory(&r.s);
    const enum status status = r.s.status;
    text_free(&r.value);
    scan_end(&r.s);
    if (status != ST_OK)
        prog_destroy(r.p);
    else
        *out = r.p;
    return status;
}
