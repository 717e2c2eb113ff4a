#include "sim/program/json_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/program/json_any.h"
#include "sim/program/operand.h"

void scan_begin(struct scan *s, const char *text, size_t size, const char *file, struct diag *d)
{
    *s = (struct scan){.text = text, .size = size, .line = 1, .file = file, .d = d};
}

void scan_end(struct scan *s)
{
    text_free(&s->spelled);
}

bool scan_fail(struct scan *s, size_t offset, const char *format, ...)
{
    if (s->status != ST_OK)
        return false;
    char what[DIAG_TEXT];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    s->status = diag_at(s->d, s->file, s->text, s->size, offset, "%s", what);
    return false;
}

bool scan_no_memory(struct scan *s)
{
    if (s->status == ST_OK)
        s->status = diag_set(s->d, ST_NOMEM, "out of memory while reading a program");
    return false;
}

int scan_skip(struct scan *s)
{
    if (s->status != ST_OK)
        return -1;
    for (; s->pos < s->size; s->pos++) {
        const char c = s->text[s->pos];
        if (c == '\n')
            s->line++;
        else if (c != ' ' && c != '\t' && c != '\r')
            return (unsigned char)c;
    }
    return -1;
}

const char *scan_found(struct scan *s)
{
    const int c = scan_peek(s);
    switch (c) {
    case -1: return "the end of the input";
    case '[': return "a list";
    case '{': return "an object";
    case '"': return "a string";
    case ']': return "']'";
    case '}': return "'}'";
    case ',': return "','";
    case ':': return "':'";
    case 't':
    case 'f': return "a truth value";
    case 'n': return "null";
    default: return c == '-' || (c >= '0' && c <= '9') ? "a number" : "something that is not JSON";
    }
}

bool scan_open(struct scan *s, char open, const char *what)
{
    if (scan_peek(s) != open)
        return scan_fail(s, s->pos, "expected %s, found %s", what, scan_found(s));
    s->pos++;
    return true;
}

bool scan_item(struct scan *s, char close, bool *first)
{
    const int c = scan_peek(s);
    if (c == close) {
        s->pos++;
        return false;
    }
    if (*first) {
        *first = false;
        return s->status == ST_OK;
    }
    if (c != ',')
        return scan_fail(s, s->pos, "expected ',' or '%c', found %s", close, scan_found(s));
    s->pos++;
    if (scan_peek(s) == close)
        return scan_fail(s, s->pos, "expected another item after ',', found '%c'", close);
    return s->status == ST_OK;
}

/* Hands the value at the current place to jansson. */
static bool read_any(struct scan *s, struct text *out,
                     enum status (*read)(const char *, size_t, struct text *, struct json_any *))
{
    struct json_any r;
    const enum status status = read(s->text + s->pos, s->size - s->pos, out, &r);
    if (status == ST_NOMEM)
        return scan_no_memory(s);
    if (status != ST_OK)
        return scan_fail(s, s->pos + r.at, "%s", r.why);
    for (const char *from = s->text + s->pos, *end = from + r.used;
         (from = memchr(from, '\n', (size_t)(end - from))); from++)
        s->line++;
    s->pos += r.used;
    return true;
}

/* Neither a control nor a part of a longer character, which is looked at more closely. */
static bool is_plain(char c)
{
    return (unsigned char)c >= 32 && (unsigned char)c < 127;
}

bool scan_string(struct scan *s, struct json_token *out, const char *what)
{
    if (scan_peek(s) != '"')
        return scan_fail(s, s->pos, "expected %s, found %s", what, scan_found(s));
    out->offset = s->pos;
    size_t end = s->pos + 1;
    while (end < s->size && s->text[end] != '"' && s->text[end] != '\\' && is_plain(s->text[end]))
        end++;
    if (end < s->size && s->text[end] == '"') {
        out->at = s->text + s->pos + 1;
        out->n = end - s->pos - 1;
        s->pos = end + 1;
        return true;
    }
    s->spelled.n = 0;
    if (!read_any(s, &s->spelled, json_any_string))
        return false;
    out->at = s->spelled.at;
    out->n = s->spelled.n;
    return true;
}

bool scan_key(struct scan *s, struct json_token *out)
{
    if (!scan_string(s, out, "a key"))
        return false;
    if (scan_peek(s) != ':')
        return scan_fail(s, s->pos, "expected ':' after a key, found %s", scan_found(s));
    s->pos++;
    return true;
}

static bool is_digit(const struct scan *s, size_t at)
{
    return at < s->size && s->text[at] >= '0' && s->text[at] <= '9';
}

/* A number's value modulo 2^64, as far as that can be said with its sign, and whether it fits 64 bits. */
static bool read_int(struct scan *s, int64_t *out, bool *fits, const char *what)
{
    const int c = scan_peek(s);
    const size_t start = s->pos;
    size_t at = start + (c == '-');
    if ((c != '-' && !is_digit(s, at)) || s->status != ST_OK)
        return scan_fail(s, start, "expected %s, found %s", what, scan_found(s));
    if (!is_digit(s, at) || (s->text[at] == '0' && is_digit(s, at + 1)))
        return scan_fail(s, start, "expected %s, found a malformed number", what);
    const uint64_t most = (uint64_t)INT64_MAX + (c == '-');
    uint64_t value = 0;
    *fits = true;
    for (; is_digit(s, at); at++) {
        const uint64_t digit = (uint64_t)(s->text[at] - '0');
        *fits = *fits && (value < INT64_MAX / 10 || value <= (most - digit) / 10);
        value = value * 10 + digit;
    }
    if (at < s->size && (s->text[at] == '.' || s->text[at] == 'e' || s->text[at] == 'E'))
        return scan_fail(s, start, "expected %s, found a number that is not whole", what);
    *out = c == '-' ? (int64_t)(0 - value) : (int64_t)value;
    s->pos = at;
    return true;
}

bool scan_literal(struct scan *s, int64_t *out)
{
    bool fits = false;
    if (!read_int(s, out, &fits, "a whole number"))
        return false;
    *out = fits ? *out : operand_fold((uint64_t)*out);
    return true;
}

bool scan_int(struct scan *s, int64_t low, int64_t high, int64_t *out, const char *what)
{
    bool fits = false;
    (void)scan_peek(s);
    const size_t start = s->pos;
    if (!read_int(s, out, &fits, what))
        return false;
    if (!fits || *out < low || *out > high) {
        const int n = s->pos - start < 40 ? (int)(s->pos - start) : 40;
        return scan_fail(s, start, "expected %s, found %.*s%s", what, n, s->text + start,
                         s->pos - start > 40 ? "..." : "");
    }
    return true;
}

bool scan_value(struct scan *s, struct text *out)
{
    const int c = scan_peek(s);
    if (c < 0 || c == ']' || c == '}' || c == ',' || c == ':')
        return scan_fail(s, s->pos, "expected a value, found %s", scan_found(s));
    return read_any(s, out, json_any_read);
}

bool scan_finish(struct scan *s)
{
    if (scan_peek(s) >= 0)
        return scan_fail(s, s->pos, "expected the end of the input, found %s", scan_found(s));
    return s->status == ST_OK;
}
