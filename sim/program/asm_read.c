/* Programs from assembly; README.md has the syntax. One pass: names must be known
 * when used, jumps to labels further on are completed at the end. */
#include <stdlib.h>
#include <string.h>

#include "sim/program/asm_lex.h"
#include "sim/program/asm_table.h"
#include "sim/program/json_slot.h"

/* A jump whose label was not known yet, or not looked up. */
struct use {
    const char *label;
    size_t length, offset;
    uint32_t slot;
};

struct reader {
    struct scan s;
    struct prog *p;
    struct asm_table names, labels; /* to address, to bundle */
    VEC(struct use) uses;
    struct text spare;   /* see json_slot.h */
    unsigned parameters; /* of the machine, given so far */
};

static bool read_address(struct reader *r, int32_t *out)
{
    const int c = asm_peek(&r->s);
    int64_t address = 0, offset = 0;
    if (c == '-' || (c >= '0' && c <= '9')) {
        if (!asm_int(&r->s, INT32_MIN, INT32_MAX, &address, "a scratch address (32 bit)"))
            return false;
        *out = (int32_t)address;
        return true;
    }
    struct json_token name;
    uint32_t base = 0;
    if (!asm_name(&r->s, &name, "a scratch address"))
        return false;
    if (!asm_table_find(&r->names, name.at, name.n, &base))
        return scan_fail(&r->s, name.offset, "there is no name `%.*s`", TOKEN(name));
    if (asm_peek(&r->s) == '+') {
        r->s.pos++;
        if (!asm_int(&r->s, 0, INT32_MAX - (int64_t)base, &offset, "an offset in words"))
            return false;
    }
    *out = (int32_t)(base + offset);
    return true;
}

static bool read_target(struct reader *r, struct isa_slot *slot)
{
    if (asm_peek(&r->s) != '@')
        return asm_int(&r->s, INT64_MIN, INT64_MAX, &slot->literal, "a label (@name) or a bundle number");
    const size_t offset = r->s.pos++;
    struct json_token name;
    if (!asm_name(&r->s, &name, "a label's name"))
        return false;
    const char *copy = arena_text(&r->p->arena, name.at, name.n);
    const struct use use = {copy, name.n, offset, (uint32_t)r->p->slots.n};
    return (copy && vec_push(&r->uses, use)) || scan_no_memory(&r->s);
}

static bool read_operand(struct reader *r, struct isa_slot *slot, unsigned i)
{
    switch (isa_info((enum isa_op)slot->op)->role[i]) {
    case ROLE_DEST:
    case ROLE_VDEST:
    case ROLE_SRC:
    case ROLE_VSRC: return read_address(r, &slot->arg[i]);
    case ROLE_TARGET: return read_target(r, slot);
    case ROLE_KEYS: return scan_keys(&r->s, r->p, slot, &r->spare);
    case ROLE_KEY:
    case ROLE_TEXT: return (slot->literal = scan_text(&r->s, r->p, &r->spare)) >= 0;
    case ROLE_LITERAL: return asm_literal(&r->s, &slot->literal);
    case ROLE_RELATIVE: return asm_int(&r->s, INT64_MIN, INT64_MAX, &slot->literal, "a distance in bundles");
    default: return asm_int(&r->s, INT64_MIN, INT64_MAX, &slot->literal, "a whole number");
    }
}

static bool at_slot_end(struct reader *r)
{
    const int c = asm_peek(&r->s);
    return c == '\n' || c == ';' || c == '}' || c == -1;
}

static bool read_operands(struct reader *r, struct isa_slot *slot)
{
    const struct isa_info *info = isa_info((enum isa_op)slot->op);
    for (unsigned i = 0; i < info->args; i++) {
        if (at_slot_end(r))
            return scan_fail(&r->s, r->s.pos, "`%s` takes %u operand%s, found %u", info->name, info->args,
                             info->args == 1 ? "" : "s", i);
        if (i) {
            if (asm_peek(&r->s) != ',')
                return scan_fail(&r->s, r->s.pos, "expected ',' and another operand, found %s",
                                 asm_found(&r->s));
            r->s.pos++;
            (void)asm_peek_across(&r->s);
        }
        if (!read_operand(r, slot, i))
            return false;
    }
    if (asm_peek(&r->s) == ',')
        return scan_fail(&r->s, r->s.pos, "`%s` takes %u operand%s, found more", info->name, info->args,
                         info->args == 1 ? "" : "s");
    return r->s.status == ST_OK;
}

static bool read_slot(struct reader *r, enum isa_engine engine)
{
    if (asm_peek(&r->s) == '[')
        return scan_slot(&r->s, r->p, engine, &r->spare);
    struct json_token name;
    if (!asm_operation(&r->s, &name))
        return false;
    const enum isa_op op = isa_find_op(engine, name.at, name.n);
    if (op == OP_UNKNOWN)
        return scan_fail(&r->s, name.offset, "engine %s has no operation `%.*s`", isa_engine_name(engine),
                         TOKEN(name));
    if (r->p->slots.n >= PROG_MAX_SLOTS)
        return scan_fail(&r->s, name.offset, "more than %d slots", PROG_MAX_SLOTS);
    struct isa_slot slot = {.op = (uint8_t)op, .engine = (uint8_t)engine};
    return read_operands(r, &slot) && (prog_add_slot(r->p, slot) || scan_no_memory(&r->s));
}

static bool open_group(struct reader *r, const struct json_token *name, enum isa_engine *engine,
                       unsigned *seen)
{
    *engine = isa_find_engine(name->at, name->n);
    if (*engine == ISA_ENGINES)
        return scan_fail(&r->s, name->offset, "there is no engine `%.*s`", TOKEN(*name));
    if (*seen & 1u << *engine)
        return scan_fail(&r->s, name->offset, "engine `%s` is named twice in one bundle",
                         isa_engine_name(*engine));
    *seen |= 1u << *engine;
    return prog_add_group(r->p, *engine) || scan_no_memory(&r->s);
}

/* What stands between '{' and '}', the latter included. */
static bool read_groups(struct reader *r)
{
    enum isa_engine engine = ISA_ENGINES;
    unsigned seen = 0;
    for (;;) {
        const int c = asm_peek_across(&r->s);
        struct json_token name;
        if (c == '}' || c == ';') {
            r->s.pos++;
            if (c == '}')
                return true;
        } else if (asm_heading(&r->s, &name)) {
            if (!open_group(r, &name, &engine, &seen))
                return false;
        } else if (c == -1) {
            return scan_fail(&r->s, r->s.pos,
                             "expected the '}' of the bundle in line %u, found the end of the input",
                             r->p->bundles.at[r->p->bundles.n - 1].line);
        } else if (engine == ISA_ENGINES) {
            return scan_fail(&r->s, r->s.pos, "expected an engine, such as `alu:`, found %s",
                             asm_found(&r->s));
        } else if (!read_slot(r, engine)) {
            return false;
        } else if (!at_slot_end(r)) {
            return scan_fail(&r->s, r->s.pos, "expected ';', a new line or '}' after a slot, found %s",
                             asm_found(&r->s));
        }
    }
}

static bool read_bundle(struct reader *r)
{
    if (r->p->bundles.n >= PROG_MAX_BUNDLES)
        return scan_fail(&r->s, r->s.pos, "more than %d bundles", PROG_MAX_BUNDLES);
    r->s.pos++;
    return (prog_add_bundle(r->p, r->s.line) || scan_no_memory(&r->s)) && read_groups(r);
}

static bool read_label(struct reader *r)
{
    struct json_token name;
    if (!asm_name(&r->s, &name, "a bundle, a label or a directive"))
        return false;
    const uint32_t bundle = (uint32_t)r->p->bundles.n;
    uint32_t before;
    if (asm_table_find(&r->labels, name.at, name.n, &before))
        return scan_fail(&r->s, name.offset, "label `%.*s` is already that of bundle %u", TOKEN(name),
                         before);
    if (!prog_add_label(r->p, name.at, name.n, bundle) ||
        !asm_table_add(&r->labels, r->p->labels.at[r->p->labels.n - 1].name, name.n, bundle))
        return scan_no_memory(&r->s);
    if (asm_peek(&r->s) != ':')
        return scan_fail(&r->s, r->s.pos, "expected ':' after a label, found %s", asm_found(&r->s));
    r->s.pos++;
    return true;
}

/* .name NAME ADDRESS [WORDS] */
static bool read_name(struct reader *r)
{
    struct json_token name;
    int64_t address, words = 1;
    uint32_t before;
    if (!asm_name(&r->s, &name, "a name"))
        return false;
    const char *copy = arena_text(&r->p->arena, name.at, name.n);
    if (!copy)
        return scan_no_memory(&r->s);
    if (!asm_int(&r->s, 0, INT32_MAX, &address, "a scratch address"))
        return false;
    if (asm_peek(&r->s) != '\n' && asm_peek(&r->s) != -1 &&
        !asm_int(&r->s, 0, ISA_MAX_SCRATCH, &words, "a length in words"))
        return false;
    r->p->object_form = true;
    if (!vec_push(&r->p->names, (struct prog_name){copy, (uint32_t)address, (uint32_t)words}))
        return scan_no_memory(&r->s);
    return asm_table_find(&r->names, copy, name.n, &before) ||
           asm_table_add(&r->names, copy, name.n, (uint32_t)address) || scan_no_memory(&r->s);
}

static bool read_parameter(struct reader *r)
{
    struct json_token key;
    int64_t value;
    if (!asm_name(&r->s, &key, "a parameter of the machine"))
        return false;
    struct isa_machine *m = &r->p->machine;
    uint32_t *out = isa_machine_parameter(m, key.at, key.n);
    if (!out)
        return scan_fail(&r->s, key.offset, "the machine has no parameter `%.*s`", TOKEN(key));
    const uint32_t bit = 1u << (out - (uint32_t *)m);
    if (r->parameters & bit)
        return scan_fail(&r->s, key.offset, "`%.*s` is given twice", TOKEN(key));
    r->parameters |= bit;
    if (asm_peek(&r->s) != '=')
        return scan_fail(&r->s, r->s.pos, "expected '=', found %s", asm_found(&r->s));
    r->s.pos++;
    (void)asm_peek(&r->s);
    const size_t at = r->s.pos;
    if (!asm_int(&r->s, 0, UINT32_MAX, &value, "a whole number from 0 to 2^32-1"))
        return false;
    *out = (uint32_t)value;
    const char *why = isa_machine_validate(m);
    return !why || scan_fail(&r->s, at, "%s, found %u", why, *out);
}

/* .machine KEY=NUMBER ... */
static bool read_machine(struct reader *r)
{
    r->p->object_form = true;
    while (asm_peek(&r->s) != '\n' && asm_peek(&r->s) != -1)
        if (!read_parameter(r))
            return false;
    return r->s.status == ST_OK;
}

static bool read_directive(struct reader *r)
{
    const size_t start = r->s.pos++;
    struct json_token name;
    if (!asm_name(&r->s, &name, "a directive's name"))
        return false;
    bool (*const read)(struct reader *) = name.n == 4 && memcmp(name.at, "name", 4) == 0      ? read_name
                                          : name.n == 7 && memcmp(name.at, "machine", 7) == 0 ? read_machine
                                                                                              : NULL;
    if (!read)
        return scan_fail(&r->s, start, "there is no directive `.%.*s`, only .machine and .name", TOKEN(name));
    if (!read(r))
        return false;
    if (asm_peek(&r->s) != '\n' && asm_peek(&r->s) != -1)
        return scan_fail(&r->s, r->s.pos, "expected the end of the line, found %s", asm_found(&r->s));
    return r->s.status == ST_OK;
}

static bool resolve_labels(struct reader *r)
{
    for (size_t i = 0; i < r->uses.n; i++) {
        const struct use *use = &r->uses.at[i];
        uint32_t bundle;
        if (!asm_table_find(&r->labels, use->label, use->length, &bundle))
            return scan_fail(&r->s, use->offset, "there is no label `%.40s`", use->label);
        r->p->slots.at[use->slot].literal = bundle;
    }
    return true;
}

static bool read_input(struct reader *r)
{
    int c;
    while ((c = asm_peek_across(&r->s)) != -1) {
        const bool good = c == '{' ? read_bundle(r) : c == '.' ? read_directive(r) : read_label(r);
        if (!good)
            return false;
    }
    return r->s.status == ST_OK && resolve_labels(r) && (prog_index_names(r->p) || scan_no_memory(&r->s));
}

enum status prog_read_asm(const char *text, size_t size, const char *file, struct prog **out, struct diag *d)
{
    *out = NULL;
    struct reader r = {.p = prog_create()};
    scan_begin(&r.s, text, size, file, d);
    const bool good = r.p ? read_input(&r) : scan_no_memory(&r.s);
    asm_table_free(&r.names);
    asm_table_free(&r.labels);
    vec_free(&r.uses);
    text_free(&r.spare);
    scan_end(&r.s);
    if (good)
        *out = r.p;
    else
        prog_destroy(r.p);
    return r.s.status;
}
