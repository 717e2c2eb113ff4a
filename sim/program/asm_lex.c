#include "sim/program/asm_lex.h"

#include <string.h>

#include "sim/program/print.h"

int asm_peek(struct scan *s)
{
    if (s->status != ST_OK)
        return -1;
    for (; s->pos < s->size; s->pos++) {
        const char c = s->text[s->pos];
        if (c == '#')
            while (s->pos + 1 < s->size && s->text[s->pos + 1] != '\n')
                s->pos++;
        else if (c != ' ' && c != '\t' && c != '\r')
            return (unsigned char)c;
    }
    return -1;
}

int asm_peek_across(struct scan *s)
{
    int c;
    while ((c = asm_peek(s)) == '\n') {
        s->pos++;
        s->line++;
    }
    return c;
}

static bool is_number_start(int c)
{
    return c == '-' || (c >= '0' && c <= '9');
}

const char *asm_found(struct scan *s)
{
    const int c = asm_peek(s);
    if (c == -1)
        return "the end of the input";
    if (c == '\n')
        return "the end of the line";
    if (is_number_start(c))
        return "a number";
    if (print_ident_start(c))
        return "a name";
    static const struct {
        char c;
        const char *name;
    } known[] = {{'{', "'{'"}, {'}', "'}'"}, {'[', "'['"}, {']', "']'"},      {',', "','"}, {';', "';'"},
                 {':', "':'"}, {'@', "'@'"}, {'.', "'.'"}, {'"', "a string"}, {'+', "'+'"}, {'=', "'='"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].c == c)
            return known[i].name;
    return "a strange character";
}

static size_t ident_end(const struct scan *s)
{
    size_t end = s->pos;
    if (end < s->size && print_ident_start((unsigned char)s->text[end]))
        while (end < s->size && print_ident_part((unsigned char)s->text[end]))
            end++;
    return end;
}

static bool take(struct scan *s, size_t end, struct json_token *out)
{
    *out = (struct json_token){s->text + s->pos, end - s->pos, s->pos};
    s->pos = end;
    return true;
}

bool asm_name(struct scan *s, struct json_token *out, const char *what)
{
    const int c = asm_peek(s);
    if (c == '"')
        return scan_string(s, out, what);
    if (!print_ident_start(c))
        return scan_fail(s, s->pos, "expected %s, found %s", what, asm_found(s));
    return take(s, ident_end(s), out);
}

bool asm_heading(struct scan *s, struct json_token *out)
{
    (void)asm_peek(s);
    const size_t end = ident_end(s);
    if (s->status != ST_OK || end == s->pos || end == s->size || s->text[end] != ':')
        return false;
    (void)take(s, end, out);
    s->pos++;
    return true;
}

bool asm_operation(struct scan *s, struct json_token *out)
{
    const int c = asm_peek(s);
    size_t end = ident_end(s);
    if (end == s->pos)
        while (end < s->size && s->text[end] && strchr("+-*/%^&|<>=", s->text[end]))
            end++;
    if (c < 0 || end == s->pos)
        return scan_fail(s, s->pos, "expected an operation, found %s", asm_found(s));
    return take(s, end, out);
}

/* The value of a digit, or 16 for anything else. */
static unsigned digit_value(const struct scan *s, size_t at)
{
    const char c = at < s->size ? s->text[at] : ' ';
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 16;
}

static bool read_int(struct scan *s, bool any, int64_t low, int64_t high, int64_t *out, const char *what)
{
    const int c = asm_peek(s);
    const size_t start = s->pos;
    if (!is_number_start(c))
        return scan_fail(s, start, "expected %s, found %s", what, asm_found(s));
    size_t at = start + (c == '-');
    unsigned base = 10;
    if (digit_value(s, at) == 0 && at + 1 < s->size && (s->text[at + 1] == 'x' || s->text[at + 1] == 'X')) {
        base = 16;
        at += 2;
    }
    if (digit_value(s, at) >= base)
        return scan_fail(s, start, "expected %s, found a malformed number", what);
    const uint64_t most = (uint64_t)INT64_MAX + (c == '-');
    uint64_t value = 0;
    bool fits = true;
    for (unsigned digit; (digit = digit_value(s, at)) < base; at++) {
        fits = fits && value <= (most - digit) / base;
        value = value * base + digit;
    }
    if (at < s->size && print_ident_part((unsigned char)s->text[at]))
        return scan_fail(s, start, "expected %s, found a malformed number", what);
    if (!fits)
        value = any ? value & UINT32_MAX : value;
    *out = c == '-' ? (int64_t)(0 - value) : (int64_t)value;
    if (!any && (!fits || *out < low || *out > high)) {
        const int n = at - start < 40 ? (int)(at - start) : 40;
        return scan_fail(s, start, "expected %s, found %.*s%s", what, n, s->text + start,
                         at - start > 40 ? "..." : "");
    }
    s->pos = at;
    return true;
}

bool asm_int(struct scan *s, int64_t low, int64_t high, int64_t *out, const char *what)
{
    return read_int(s, false, low, high, out, what);
}

bool asm_literal(struct scan *s, int64_t *out)
{
    return read_int(s, true, 0, 0, out, "a whole number");
}
