#include "tools/commands/json_copy.h"

#include <string.h>

/* --- strings ---------------------------------------------------------------------- */

/* A string on its way: as it is spelled, and its characters; either may be NULL. */
struct string {
    struct text *spelled, *characters;
};

static void add(const struct string *to, const char *spelled, size_t n, const char *characters, size_t m)
{
    if (to->spelled)
        text_add_n(to->spelled, spelled, n);
    if (to->characters)
        text_add_n(to->characters, characters, m);
}

/* The four digits of \uXXXX whose 'u' is at `at`; UINT32_MAX where there are none. */
static uint32_t hex4(const struct scan *s, size_t at)
{
    uint32_t value = 0;
    for (size_t i = at + 1; i < at + 5; i++) {
        static const char digits[] = "0123456789abcdefABCDEF";
        const char *digit = i < s->size && s->text[i] ? strchr(digits, s->text[i]) : NULL;
        if (!digit)
            return UINT32_MAX;
        const uint32_t d = (uint32_t)(digit - digits);
        value = value << 4 | (d > 15 ? d - 6 : d);
    }
    return value;
}

/* UTF-8; its length. */
static size_t encode(uint32_t c, char out[4])
{
    const size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char mark[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(mark[n] | c);
    return n;
}

/* \uXXXX, or two of them that are one character. */
static bool read_unicode(struct scan *s, const struct string *to)
{
    const size_t start = s->pos;
    char utf8[4];
    uint32_t c = hex4(s, start + 1);
    size_t n = 6;
    if (c == UINT32_MAX)
        return scan_fail(s, start, "expected four digits of hex after \\u");
    if (c >= 0xd800 && c < 0xdc00 && start + 7 < s->size && s->text[start + 6] == '\\' &&
        s->text[start + 7] == 'u') {
        const uint32_t low = hex4(s, start + 7);
        if (low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            n = 12;
        }
    }
    if (c >= 0xd800 && c < 0xe000)
        return scan_fail(s, start, "half a surrogate pair is no character");
    add(to, s->text + start, n, utf8, encode(c, utf8));
    s->pos += n;
    return true;
}

static bool read_escape(struct scan *s, const struct string *to)
{
    static const char code[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char c = s->pos + 1 < s->size ? s->text[s->pos + 1] : '\0';
    const char *known = c ? strchr(code, c) : NULL;
    if (c == 'u')
        return read_unicode(s, to);
    if (!known)
        return scan_fail(s, s->pos, "no such escape in a string");
    add(to, s->text + s->pos, 2, meant + (known - code), 1);
    s->pos += 2;
    return true;
}

/* A character that stands for itself, or cannot. */
static bool read_character(struct scan *s, const struct string *to)
{
    const char *at = s->text + s->pos;
    char shown[TEXT_SHOWN];
    uint32_t c = 0;
    size_t n = text_decode(at, s->size - s->pos, &c);
    if (!n)
        return scan_fail(s, s->pos, "a byte that is no UTF-8");
    if (c < 32)
        return scan_fail(s, s->pos, "a control character in a string");
    const size_t spelled = text_show(shown, at, s->size - s->pos, &n);
    add(to, shown, spelled, at, n);
    s->pos += n;
    return true;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 32 && (unsigned char)c < 127 && c != '"' && c != '\\';
}

static bool read_string(struct scan *s, const struct string *to)
{
    const size_t start = s->pos++;
    add(to, "\"", 1, "", 0);
    for (;;) {
        const size_t from = s->pos;
        while (s->pos < s->size && is_plain(s->text[s->pos]))
            s->pos++;
        add(to, s->text + from, s->pos - from, s->text + from, s->pos - from);
        if (s->pos >= s->size)
            return scan_fail(s, start, "a string without its end");
        if (s->text[s->pos] == '"')
            break;
        if (!(s->text[s->pos] == '\\' ? read_escape(s, to) : read_character(s, to)))
            return false;
    }
    s->pos++;
    add(to, "\"", 1, "", 0);
    return true;
}

bool json_characters(struct scan *s, struct text *out, const char *what)
{
    if (scan_peek(s) != '"')
        return scan_fail(s, s->pos, "expected %s, found %s", what, scan_found(s));
    text_add(out, "");
    return read_string(s, &(struct string){.characters = out}) && (text_ok(out) || scan_no_memory(s));
}

/* --- numbers ---------------------------------------------------------------------- */

static size_t digits(const struct scan *s, size_t at)
{
    size_t n = 0;
    while (at + n < s->size && s->text[at + n] >= '0' && s->text[at + n] <= '9')
        n++;
    return n;
}

static bool is_at(const struct scan *s, size_t at, const char *set)
{
    return at < s->size && s->text[at] && strchr(set, s->text[at]);
}

const char *json_number_at(struct scan *s, size_t *size)
{
    (void)scan_peek(s);
    const size_t start = s->pos;
    size_t at = start + is_at(s, start, "-");
    const size_t whole = digits(s, at);
    bool good = whole && (whole == 1 || s->text[at] != '0');
    at += whole;
    if (is_at(s, at, ".")) {
        const size_t n = digits(s, at + 1);
        good = good && n;
        at += 1 + n;
    }
    if (is_at(s, at, "eE")) {
        at += 1 + (size_t)is_at(s, at + 1, "+-");
        const size_t n = digits(s, at);
        good = good && n;
        at += n;
    }
    *size = good ? at - start : 0;
    s->pos = start + *size;
    return s->text + start;
}

/* --- values ----------------------------------------------------------------------- */

static bool copy_word(struct scan *s, struct text *out)
{
    static const char *const words[] = {"true", "false", "null"};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        const size_t n = strlen(words[i]);
        if (s->size - s->pos >= n && memcmp(s->text + s->pos, words[i], n) == 0) {
            text_add_n(out, words[i], n);
            s->pos += n;
            return true;
        }
    }
    size_t n;
    const char *number = json_number_at(s, &n);
    if (!n)
        return scan_fail(s, s->pos, "expected a value, found %s", scan_found(s));
    text_add_n(out, number, n);
    return true;
}

static bool copy_value(struct scan *s, struct text *out, unsigned depth);

/* A list, or an object. */
static bool copy_items(struct scan *s, struct text *out, unsigned depth)
{
    const char open = s->text[s->pos], close = open == '[' ? ']' : '}';
    if (depth == JSON_COPY_DEPTH)
        return scan_fail(s, s->pos, "more than %d brackets in one another", JSON_COPY_DEPTH);
    s->pos++;
    text_add_n(out, &open, 1);
    bool first = true, comma = false;
    while (scan_item(s, close, &first)) {
        if (comma)
            text_add(out, ",");
        comma = true;
        if (open == '{') {
            if (scan_peek(s) != '"')
                return scan_fail(s, s->pos, "expected a key, found %s", scan_found(s));
            if (!read_string(s, &(struct string){.spelled = out}))
                return false;
            if (scan_peek(s) != ':')
                return scan_fail(s, s->pos, "expected ':' after a key, found %s", scan_found(s));
            s->pos++;
            text_add(out, ":");
        }
        if (!copy_value(s, out, depth + 1))
            return false;
    }
    text_add_n(out, &close, 1);
    return s->status == ST_OK;
}

/* As deep as JSON_COPY_DEPTH and no deeper. */
static bool copy_value(struct scan *s, struct text *out, unsigned depth)
{
    switch (scan_peek(s)) {
    case '[':
    case '{': return copy_items(s, out, depth);
    case '"': return read_string(s, &(struct string){.spelled = out});
    default: return copy_word(s, out);
    }
}

bool json_copy(struct scan *s, struct text *out)
{
    return copy_value(s, out, 0) && (text_ok(out) || scan_no_memory(s));
}
