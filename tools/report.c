#include "tools/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int tool_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("sheaf: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    return EXIT_USAGE;
}

int tool_diag(const struct diag *d)
{
    char text[DIAG_TEXT + 4 * DIAG_LINE];
    (void)diag_render(d, text, sizeof text);
    return tool_error("%s", text);
}

int tool_print(struct text *t)
{
    int status = EXIT_FINE;
    if (!text_ok(t))
        status = tool_error("out of memory for the output");
    else if (t->n && (fwrite(t->at, 1, t->n, stdout) != t->n || fflush(stdout) != 0))
        status = tool_error("standard output: %s", strerror(errno));
    text_free(t);
    return status;
}

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

/* As a JSON string; bytes that are no text (a file's name may be anything, a slot's
 * text may be clipped) become the replacement character. */
static void quote(struct text *t, const char *s)
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
    quote(j->text, key);
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

void json_real(struct json_out *j, const char *key, double value)
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
        quote(j->text, value);
    else
        text_add(j->text, "null");
}

static const char *what_binds(const struct bound *b)
{
    return b->cycles == b->work ? "work" : b->cycles == b->dep ? "dep" : "live";
}

void text_bound(struct text *t, const struct bound *b, uint64_t cycles)
{
    if (b->cycles)
        text_addf(t, "bound      %u cycles (%s), %.3f times\n", b->cycles, what_binds(b),
                  (double)cycles / b->cycles);
}

void json_bound(struct json_out *j, const struct bound *b, uint64_t cycles)
{
    if (!b->cycles) {
        json_text(j, "bounds", NULL);
        json_text(j, "ratio", NULL);
        return;
    }
    json_open(j, "bounds", '{');
    json_number(j, "work", b->work);
    json_number(j, "dep", b->dep);
    json_number(j, "live", b->live);
    json_close(j, '}');
    json_real(j, "ratio", (double)cycles / b->cycles);
}
