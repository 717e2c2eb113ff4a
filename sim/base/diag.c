#include "sim/base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set_text(struct diag *d, const char *format, va_list args)
{
    memset(d, 0, sizeof *d);
    (void)vsnprintf(d->text, sizeof d->text, format, args);
}

enum status diag_set(struct diag *d, enum status status, const char *format, ...)
{
    if (d) {
        va_list args;
        va_start(args, format);
        set_text(d, format, args);
        va_end(args);
    }
    return status;
}

/* Copies the line that holds `offset` into d->source, clipped so that the
 * offset stays visible; control characters become spaces to keep the caret true. */
static void set_source(struct diag *d, const char *text, size_t size, size_t offset)
{
    size_t start = offset, end = offset;
    while (start > 0 && text[start - 1] != '\n')
        start--;
    while (end < size && text[end] != '\n')
        end++;
    const size_t room = sizeof d->source - 1;
    if (end - start > room && offset - start > room / 2)
        start = offset - room / 2;
    size_t n = end - start;
    if (n > room)
        n = room;
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)text[start + i];
        d->source[i] = (char)(c < 32 || c == 127 ? ' ' : c);
    }
    d->source[n] = '\0';
    d->caret = (unsigned)(offset - start) + 1;
}

static void set_position(struct diag *d, const char *file, const char *text, size_t size, size_t offset)
{
    if (offset > size)
        offset = size;
    d->line = 1;
    size_t line_start = 0;
    for (size_t i = 0; i < offset; i++)
        if (text[i] == '\n') {
            d->line++;
            line_start = i + 1;
        }
    d->column = (unsigned)(offset - line_start) + 1;
    (void)snprintf(d->file, sizeof d->file, "%s", file ? file : "");
    set_source(d, text, size, offset);
}

enum status diag_at(struct diag *d, const char *file, const char *text, size_t size, size_t offset,
                    const char *format, ...)
{
    if (d) {
        va_list args;
        va_start(args, format);
        set_text(d, format, args);
        va_end(args);
        set_position(d, file, text, size, offset);
    }
    return ST_INPUT;
}

size_t diag_render(const struct diag *d, char *out, size_t size)
{
    char place[DIAG_LINE + 32] = "";
    if (d->line)
        (void)snprintf(place, sizeof place, "%s:%u:%u: ", d->file[0] ? d->file : "input", d->line, d->column);
    else if (d->file[0])
        (void)snprintf(place, sizeof place, "%s: ", d->file);
    int n;
    if (d->source[0])
        n = snprintf(out, size, "%s%s\n  %s\n  %*s^", place, d->text, d->source, (int)d->caret - 1, "");
    else
        n = snprintf(out, size, "%s%s", place, d->text);
    return n < 0 ? 0 : (size_t)n;
}
