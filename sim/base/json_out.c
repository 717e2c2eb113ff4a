#include "sim/base/json_out.h"

#include <inttypes.h>

/* The length of the character of UTF-8 that `s` begins with; 0 if there is none. */
static size_t utf8_length(const char *s)
{
    const unsigned char c = (unsigned char)*s;
    const size_t n = c < 0x80 ? 1 : c >= 0xf0 && c < 0xf5 ? 4 : c >= 0xe0 ? 3 : 2;
    if ((c >= 0x80 && c < 0xc2) || c >= 0xf5)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

void json_quote(struct text *t, const char *s)
{
    text_add(t, "\"");
    while (*s) {
        const size_t n = utf8_length(s);
        if (n == 0)
            text_add(t, "\\ufffd");
        else if (*s == '"' || *s == '\\')
            text_addf(t, "\\%c", *s);
        else if (n == 1 && (*s < 32 || *s == 127))
            text_addf(t, "\\u%04x", (unsigned)*s);
        else
            text_add_n(t, s, n);
        s += n ? n : 1;
    }
    text_add(t, "\"");
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
