/* Slots from JSON. What may be any JSON (keys of debug compares, texts, unknown
 * slots) goes through jansson; the rest is scanned directly. */
#include "sim/program/json_slot.h"

#include "sim/program/operand.h"

struct reader {
    struct scan *s;
    struct prog *p;
    struct text *value; /* of the any-JSON operand being read */
};

/* Reads any JSON into the program's texts; its index, or -1 on failure. */
static int64_t read_text(struct reader *r)
{
    r->value->n = 0;
    if (!scan_value(r->s, r->value))
        return -1;
    const int64_t index = prog_add_text(r->p, r->value->at, r->value->n);
    if (index < 0)
        (void)scan_no_memory(r->s);
    return index;
}

static bool read_keys(struct reader *r, struct isa_slot *slot)
{
    slot->literal = (int64_t)r->p->texts.n;
    slot->arg[1] = 0;
    if (!scan_open(r->s, '[', "a list of keys"))
        return false;
    for (bool first = true; scan_item(r->s, ']', &first);) {
        if (read_text(r) < 0)
            return false;
        slot->arg[1]++;
    }
    return r->s->status == ST_OK;
}

static bool read_operand(struct reader *r, struct isa_slot *slot, unsigned i)
{
    const enum isa_role role = isa_info((enum isa_op)slot->op)->role[i];
    if (role == ROLE_KEYS)
        return read_keys(r, slot);
    if (role == ROLE_KEY || role == ROLE_TEXT)
        return (slot->literal = read_text(r)) >= 0;
    const struct operand_rule rule = operand_rule(role);
    int64_t value;
    if (!(role == ROLE_LITERAL ? scan_literal(r->s, &value)
                               : scan_int(r->s, rule.low, rule.high, &value, rule.what)))
        return false;
    operand_put(slot, i, role, value);
    return true;
}

/* The operands of a known operation, the closing bracket included. */
static bool read_operands(struct reader *r, struct isa_slot *slot)
{
    const struct isa_info *info = isa_info((enum isa_op)slot->op);
    bool first = false;
    for (unsigned i = 0; i < info->args; i++) {
        if (!scan_item(r->s, ']', &first))
            return scan_fail(r->s, r->s->pos - 1, "`%s` takes %u operand%s, found %u", info->name, info->args,
                             info->args == 1 ? "" : "s", i);
        if (!read_operand(r, slot, i))
            return false;
    }
    if (scan_item(r->s, ']', &first))
        return scan_fail(r->s, r->s->pos, "`%s` takes %u operand%s, found more", info->name, info->args,
                         info->args == 1 ? "" : "s");
    return r->s->status == ST_OK;
}

/* Whether what follows a debug comment's name is exactly one operand (or not JSON,
 * which reading it as one will find). Any other number of operands makes a debug
 * slot that means nothing, which is allowed. */
static bool is_comment(struct reader *r)
{
    struct scan ahead = *r->s;
    ahead.spelled = (struct text){0};
    ahead.d = NULL;
    bool first = false, one = scan_item(&ahead, ']', &first);
    r->value->n = 0;
    if (one && scan_value(&ahead, r->value))
        one = !scan_item(&ahead, ']', &first) && ahead.status == ST_OK;
    if (ahead.status == ST_NOMEM)
        (void)scan_no_memory(r->s);
    text_free(&ahead.spelled);
    return one;
}

static bool read_slot(struct reader *r, enum isa_engine engine)
{
    (void)scan_peek(r->s);
    const size_t start = r->s->pos;
    const uint32_t line = r->s->line;
    struct json_token name;
    if (!scan_open(r->s, '[', "a slot (a list)") || !scan_string(r->s, &name, "an operation's name"))
        return false;
    struct isa_slot slot = {.engine = (uint8_t)engine};
    enum isa_op op = isa_find_op(engine, name.at, name.n);
    if (isa_info(op)->kind == KIND_NOTHING && !is_comment(r))
        op = OP_UNKNOWN;
    if (op == OP_UNKNOWN) {
        r->s->pos = start;
        r->s->line = line;
        op = engine == ENGINE_DEBUG ? OP_IGNORED : OP_UNKNOWN;
        slot.literal = read_text(r);
    }
    slot.op = (uint8_t)op;
    if (op < ISA_OPS && !read_operands(r, &slot))
        return false;
    if (r->p->slots.n >= PROG_MAX_SLOTS)
        return scan_fail(r->s, start, "more than %d slots", PROG_MAX_SLOTS);
    return r->s->status == ST_OK && (prog_add_slot(r->p, slot) || scan_no_memory(r->s));
}

int64_t scan_text(struct scan *s, struct prog *p, struct text *spare)
{
    return read_text(&(struct reader){s, p, spare});
}

bool scan_keys(struct scan *s, struct prog *p, struct isa_slot *slot, struct text *spare)
{
    return read_keys(&(struct reader){s, p, spare}, slot);
}

bool scan_slot(struct scan *s, struct prog *p, enum isa_engine engine, struct text *spare)
{
    return read_slot(&(struct reader){s, p, spare}, engine);
}
