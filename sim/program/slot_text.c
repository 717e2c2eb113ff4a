#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/program/print.h"
#include "sim/program/symbols.h"

/* Constants from here on are written in hex. */
enum { FIRST_HEX = 10 };

void print_int(struct text *out, int64_t value)
{
    char digits[24];
    char *at = digits + sizeof digits;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        *--at = '-';
    text_add_n(out, at, (size_t)(digits + sizeof digits - at));
}

void print_string(struct text *out, const char *s)
{
    static const char plain[] = "\"\\/bfnrt", code[] = "\"\\/\b\f\n\r\t";
    text_add(out, "\"");
    const char *from = s;
    for (size_t n = strlen(s), length; n; s += length, n -= length) {
        uint32_t c = 0;
        length = text_decode(s, n, &c);
        length += length == 0;
        if (c != '"' && c != '\\' && (!text_is_control(c) || !c))
            continue;
        text_add_n(out, from, (size_t)(s - from));
        from = s + length;
        const char *known = c < 128 ? strchr(code, (int)c) : NULL;
        if (known)
            text_add_n(out, (const char[]){'\\', plain[known - code]}, 2);
        else
            text_addf(out, "\\u%04X", (unsigned)c);
    }
    text_add(out, from);
    text_add(out, "\"");
}

void print_name(struct text *out, const char *name)
{
    size_t n = 0;
    if (print_ident_start(name[0]))
        while (print_ident_part(name[n]))
            n++;
    if (n && !name[n])
        text_add_n(out, name, n);
    else
        print_string(out, name);
}

static void print_address(const struct print_names *names, int64_t address, struct text *out)
{
    const struct prog_name *name = symbols_find(names->p, names->symbols, address);
    if (!name) {
        print_int(out, address);
        return;
    }
    print_name(out, name->name);
    if (address != name->address) {
        text_add_n(out, "+", 1);
        print_int(out, address - name->address);
    }
}

static const char *find_label(const struct print_names *names, int64_t bundle)
{
    const struct prog *p = names->p;
    if (bundle < 0 || (uint64_t)bundle > p->bundles.n)
        return NULL;
    if (names->label_of)
        return names->label_of[bundle];
    for (size_t i = 0; i < p->labels.n; i++)
        if (p->labels.at[i].bundle == bundle)
            return p->labels.at[i].name;
    return NULL;
}

static void print_target(const struct print_names *names, int64_t bundle, struct text *out)
{
    const char *label = find_label(names, bundle);
    if (!label) {
        print_int(out, bundle);
        return;
    }
    text_add_n(out, "@", 1);
    print_name(out, label);
}

static void print_literal(int64_t value, struct text *out)
{
    if (value >= FIRST_HEX)
        text_addf(out, "0x%" PRIx64, (uint64_t)value);
    else
        print_int(out, value);
}

/* A vcompare's keys as a JSON list. */
static void print_keys(const struct prog *p, const struct isa_slot *s, struct text *out)
{
    text_add_n(out, "[", 1);
    for (int32_t i = 0; i < s->arg[1]; i++) {
        if (i)
            text_add_n(out, ",", 1);
        text_add(out, p->texts.at[s->literal + i]);
    }
    text_add_n(out, "]", 1);
}

static void print_operand(const struct print_names *names, const struct isa_slot *s, unsigned i,
                          struct text *out)
{
    switch (isa_info((enum isa_op)s->op)->role[i]) {
    case ROLE_NONE: break;
    case ROLE_DEST:
    case ROLE_VDEST:
    case ROLE_SRC:
    case ROLE_VSRC: print_address(names, s->arg[i], out); break;
    case ROLE_LITERAL: print_literal(s->literal, out); break;
    case ROLE_TARGET: print_target(names, s->literal, out); break;
    case ROLE_LANE:
    case ROLE_RELATIVE: print_int(out, s->literal); break;
    case ROLE_KEY:
    case ROLE_TEXT: text_add(out, names->p->texts.at[s->literal]); break;
    case ROLE_KEYS: print_keys(names->p, s, out); break;
    }
}

void print_slot(const struct print_names *names, const struct isa_slot *s, struct text *out)
{
    if (s->op >= ISA_OPS) {
        text_add(out, names->p->texts.at[s->literal]);
        return;
    }
    const struct isa_info *info = isa_info((enum isa_op)s->op);
    text_add(out, info->name);
    for (unsigned i = 0; i < info->args; i++) {
        text_add(out, i ? ", " : " ");
        print_operand(names, s, i, out);
    }
}

void prog_slot_text(const struct prog *p, const struct isa_slot *s, struct text *out)
{
    struct prog_symbols spare = {0};
    print_slot(&(struct print_names){p, symbols_of(p, &spare), NULL}, s, out);
    symbols_free(&spare);
}

void prog_address_text(const struct prog *p, int64_t address, struct text *out)
{
    struct prog_symbols spare = {0};
    print_address(&(struct print_names){p, symbols_of(p, &spare), NULL}, address, out);
    symbols_free(&spare);
}

void prog_slot_json(const struct prog *p, const struct isa_slot *s, struct text *out)
{
    if (s->op >= ISA_OPS) {
        text_add(out, p->texts.at[s->literal]);
        return;
    }
    const struct isa_info *info = isa_info((enum isa_op)s->op);
    text_add_n(out, "[\"", 2);
    text_add(out, info->name);
    text_add_n(out, "\"", 1);
    for (unsigned i = 0; i < info->args; i++) {
        const enum isa_role role = info->role[i];
        text_add_n(out, ",", 1);
        if (isa_role_is_address(role))
            print_int(out, s->arg[i]);
        else if (role == ROLE_KEYS)
            print_keys(p, s, out);
        else if (role == ROLE_KEY || role == ROLE_TEXT)
            text_add(out, p->texts.at[s->literal]);
        else
            print_int(out, s->literal);
    }
    text_add_n(out, "]", 1);
}
