#include "sim/base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/text.h"

/* Appends what can be shown of `text` to `out`, of `capacity` bytes, at `at`; where it ends. */
static size_t show(char *out, size_t capacity, size_t at, const char *text, size_t size)
{
    char shown[TEXT_SHOWN];
    for (size_t used; size; text += used, size -= used) {
        const size_t n = text_show(shown, text, size, &used);
        if (at + n >= capacity)
            break;
        memcpy(out + at, shown, n);
        at += n;
    }
    out[at] = '\0';
    return at;
}

/* Messages quote inputs: they are kept as they may be shown. */
static void set_text(struct diag *d, const char *format, va_list args)
{
    char raw[DIAG_TEXT] = "";
    const int n = vsnprintf(raw, sizeof raw, format, args);
    memset(d, 0, sizeof *d);
    if (n > 0)
        (void)show(d->text, sizeof d->text, 0, raw, text_clip(raw, (size_t)n, sizeof raw - 1));
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

/* Bytes that the text takes where it is shown, or more than `most`. */
static size_t shown_size(const char *text, size_t size, size_t most)
{
    char shown[TEXT_SHOWN];
    size_t sum = 0;
    for (size_t used; size && sum <= most; text += used, size -= used)
        sum += text_show(shown, text, size, &used);
    return sum;
}

/* Columns of a text as it is shown: its characters. */
static unsigned columns(const char *shown, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((unsigned char)shown[i] & 0xc0) != 0x80;
    return sum;
}

/* Copies the line that holds `offset` into d->source as it is shown, clipped so that the offset stays
 * visible; white space becomes a space, which keeps the caret true. */
static void set_source(struct diag *d, const char *text, size_t size, size_t offset)
{
    const size_t capacity = sizeof d->source - 1;
    size_t start = offset, end = offset;
    /* Nothing is shorter where it is shown: no more than this can be. */
    while (start > 0 && offset - start <= capacity && text[start - 1] != '\n')
        start--;
    while (end < size && end - offset <= capacity && text[end] != '\n')
        end++;
    char line[2 * DIAG_LINE];
    const size_t n = end - start, before = offset - start;
    for (size_t i = 0; i < n; i++)
        line[i] = text[start + i] == '\t' || text[start + i] == '\r' ? ' ' : text[start + i];
    size_t from = 0;
    if (shown_size(line, n, capacity) > capacity)
        while (shown_size(line + from, before - from, capacity) > capacity / 2) {
            char one[TEXT_SHOWN];
            size_t used;
            (void)text_show(one, line + from, before - from, &used);
            from += used;
        }
    const size_t at = show(d->source, sizeof d->source, 0, line + from, before - from);
    d->caret = columns(d->source, at) + 1;
    (void)show(d->source, sizeof d->source, at, line + before, n - before);
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
    char file[2 * DIAG_LINE], place[2 * DIAG_LINE + 32] = "";
    (void)show(file, sizeof file, 0, d->file, strlen(d->file));
    if (d->line)
        (void)snprintf(place, sizeof place, "%s:%u:%u: ", file[0] ? file : "input", d->line, d->column);
    else if (file[0])
        (void)snprintf(place, sizeof place, "%s: ", file);
    int n;
    if (d->source[0])
        n = snprintf(out, size, "%s%s\n  %s\n  %*s^", place, d->text, d->source, (int)d->caret - 1, "");
    else
        n = snprintf(out, size, "%s%s", place, d->text);
    return n < 0 ? 0 : (size_t)n;
}
