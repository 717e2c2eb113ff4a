/* Version 2 of the format: a type byte, then little-endian fields. It is what every
 * Python since 2.5 writes when asked for it, without references between values. */
#include "sim/program/marshal.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct reader {
    const unsigned char *at, *end;
    struct text *out;
    struct diag *d;
    unsigned depth;
    unsigned item;  /* of the list of bundles */
    size_t waiting; /* characters in `last`, not in `out` yet: there are many small pieces */
    char last[1 << 9];
};

static void flush(struct reader *r)
{
    text_add_n(r->out, r->last, r->waiting);
    r->waiting = 0;
}

static inline void put(struct reader *r, const char *s, size_t n)
{
    if (n > sizeof r->last - r->waiting)
        flush(r);
    if (n > sizeof r->last) {
        text_add_n(r->out, s, n);
        return;
    }
    memcpy(r->last + r->waiting, s, n);
    r->waiting += n;
}

static void put_number(struct reader *r, uint64_t magnitude, bool negative)
{
    char digits[24];
    char *const end = digits + sizeof digits, *at = end;
    do
        *--at = (char)('0' + magnitude % 10);
    while (magnitude /= 10);
    if (negative)
        *--at = '-';
    put(r, at, (size_t)(end - at));
}

static bool fail(struct reader *r, const char *what)
{
    (void)diag_set(r->d, ST_INPUT, "%s", what);
    r->d->line = r->item + 1;
    r->d->column = 1;
    return false;
}

/* The next `n` bytes, or NULL. */
static const unsigned char *take(struct reader *r, size_t n)
{
    const unsigned char *bytes = r->at;
    if (n > (size_t)(r->end - r->at)) {
        (void)fail(r, "the data ends within a value");
        return NULL;
    }
    r->at += n;
    return bytes;
}

static bool read_i32(struct reader *r, int32_t *out)
{
    const unsigned char *b = take(r, 4);
    if (!b)
        return false;
    *out = (int32_t)(b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24);
    return true;
}

static bool read_count(struct reader *r, uint32_t *out)
{
    int32_t n;
    if (!read_i32(r, &n))
        return false;
    *out = (uint32_t)n;
    return n >= 0 || fail(r, "a negative length");
}

static bool small_number(struct reader *r)
{
    int32_t value;
    if (!read_i32(r, &value))
        return false;
    put_number(r, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0);
    return true;
}

/* Digits of 15 bits, the lowest first; their number has the number's sign. */
static bool large_number(struct reader *r)
{
    enum { DIGIT_BITS = 15, MAX_DIGITS = 5 };
    int32_t n;
    if (!read_i32(r, &n))
        return false;
    const uint32_t digits = n < 0 ? -(uint32_t)n : (uint32_t)n;
    const unsigned char *b = take(r, (size_t)digits * 2);
    uint64_t value = 0;
    bool fits = digits <= MAX_DIGITS;
    for (uint32_t i = digits; b && fits && i-- > 0;) {
        fits = value <= UINT64_MAX >> DIGIT_BITS;
        value = value << DIGIT_BITS | (b[2 * i] | (uint32_t)b[2 * i + 1] << 8);
    }
    if (!b)
        return false;
    if (!fits || value > (uint64_t)INT64_MAX + (n < 0))
        return fail(r, "a number of more than 64 bits");
    put_number(r, value, n < 0);
    return true;
}

static bool real_number(struct reader *r)
{
    const unsigned char *b = take(r, 8);
    uint64_t bits = 0;
    double value;
    for (unsigned i = 8; b && i-- > 0;)
        bits = bits << 8 | b[i];
    if (!b)
        return false;
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value))
        return fail(r, "a number that is not finite");
    flush(r);
    text_addf(r->out, "%.17e", value);
    return true;
}

static bool text_value(struct reader *r)
{
    uint32_t n;
    const unsigned char *s = read_count(r, &n) ? take(r, n) : NULL;
    if (!s)
        return false;
    put(r, "\"", 1);
    for (const unsigned char *end = s + n; s < end;) {
        const unsigned char *from = s;
        while (s < end && *s >= ' ' && *s != '"' && *s != '\\')
            s++;
        put(r, (const char *)from, (size_t)(s - from));
        if (s < end) {
            static const char hex[] = "0123456789ABCDEF";
            put(r, (const char[]){'\\', 'u', '0', '0', hex[*s >> 4], hex[*s & 15]}, 6);
            s++;
        }
    }
    put(r, "\"", 1);
    return true;
}

static bool value(struct reader *r);

static bool list(struct reader *r)
{
    /* A program is a list of bundles, or an object that holds one. */
    const bool outer = r->depth <= 2;
    uint32_t n;
    if (!read_count(r, &n))
        return false;
    put(r, "[", 1);
    for (uint32_t i = 0; i < n; i++) {
        if (outer)
            r->item = i;
        if (i)
            put(r, ",\n", outer ? 2 : 1);
        if (!value(r))
            return false;
    }
    put(r, "]", 1);
    return true;
}

/* Keys and values by turns; a null instead of a key ends it. */
static bool dict(struct reader *r)
{
    put(r, "{", 1);
    for (bool first = true;; first = false) {
        const unsigned char *type = take(r, 1);
        if (!type)
            return false;
        if (*type == '0')
            break;
        if (*type != 'u')
            return fail(r, "the key of a dict is not a text");
        if (!first)
            put(r, ",", 1);
        if (!text_value(r))
            return false;
        put(r, ":", 1);
        if (!value(r))
            return false;
    }
    put(r, "}", 1);
    return true;
}

static bool nested(struct reader *r, bool (*read)(struct reader *))
{
    if (r->depth == MARSHAL_MAX_DEPTH)
        return fail(r, "lists are nested too deeply");
    r->depth++;
    const bool good = read(r);
    r->depth--;
    return good;
}

static bool value(struct reader *r)
{
    const unsigned char *type = take(r, 1);
    if (!type)
        return false;
    switch (*type) {
    case 'N': put(r, "null", 4); return true;
    case 'F': put(r, "0", 1); return true;
    case 'T': put(r, "1", 1); return true;
    case 'i': return small_number(r);
    case 'l': return large_number(r);
    case 'g': return real_number(r);
    case 'u': return text_value(r);
    case '(':
    case '[': return nested(r, list);
    case '{': return nested(r, dict);
    default: return fail(r, "holds something else than numbers, texts, lists, tuples and dicts");
    }
}

enum status marshal_to_json(const void *data, size_t size, struct text *out, struct diag *d)
{
    const unsigned char *bytes = data;
    struct reader r = {.at = bytes, .end = bytes + size, .out = out, .d = d};
    if (!value(&r))
        return ST_INPUT;
    flush(&r);
    if (r.at != r.end)
        return diag_set(d, ST_INPUT, "%zu bytes follow the program", (size_t)(r.end - r.at));
    return text_ok(out) ? ST_OK : diag_set(d, ST_NOMEM, "out of memory");
}
