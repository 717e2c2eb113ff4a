#include "sim/base/json_out.h"

#include <inttypes.h>
#include <string.h>

/* The bytes at the start of `s` that stand for themselves and are ASCII. */
static size_t plain(const char *s)
{
    size_t n = 0;
    while ((unsigned char)s[n] >= 32 && (unsigned char)s[n] < 127 && s[n] != '"' && s[n] != '\\')
        n++;
    return n;
}

void json_quote(struct text *t, const char *s)
{
    text_add_n(t, "\"", 1);
    for (;;) {
        size_t length = plain(s);
        text_add_n(t, s, length);
        s += length;
        if (!*s)
            break;
        uint32_t c = 0;
        length = text_decode(s, strnlen(s, 4), &c);
        if (length == 0)
            text_add(t, "\\ufffd");
        else if (c == '"' || c == '\\')
            text_addf(t, "\\%c", *s);
        else if (text_is_control(c))
            text_addf(t, "\\u%04x", (unsigned)c);
        else
            text_add_n(t, s, length);
        s += length ? length : 1;
    }
    text_add_n(t, "\"", 1);
}

static void begin(struct json_out *j, const char *key)
{
    if (j->comma)
        text_add(j->text, ", ");
    j->comma = true;
    if (!key)
        return;
    json_quote(j->text, key);
    text_add(j->text, ": ");
}

void json_open(struct json_out *j, const char *key, char bracket)
{
    begin(j, key);
    text_add_n(j->text, &bracket, 1);
    j->comma = false;
}

void json_close(struct json_out *j, char bracket)
{
    text_add_n(j->text, &bracket, 1);
    j->comma = true;
}

void json_number(struct json_out *j, const char *key, uint64_t value)
{
    begin(j, key);
    text_addf(j->text, "%" PRIu64, value);
}

void json_decimal(struct json_out *j, const char *key, double value)
{
    begin(j, key);
    text_addf(j->text, "%.6g", value);
}

void json_bool(struct json_out *j, const char *key, bool value)
{
    begin(j, key);
    text_add(j->text, value ? "true" : "false");
}

void json_text(struct json_out *j, const char *key, const char *value)
{
    begin(j, key);
    if (value)
        json_quote(j->text, value);
    else
        text_add(j->text, "null");
}
