#include "sim/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/vec.h"

static bool reserve(struct text *t, size_t extra)
{
    if (!t->failed && !vec_grow((void **)&t->at, &t->capacity, t->n, extra + 1, 1))
        t->failed = true;
    return !t->failed;
}

void text_add_n(struct text *t, const char *s, size_t n)
{
    if (!reserve(t, n))
        return;
    memcpy(t->at + t->n, s, n);
    t->n += n;
    t->at[t->n] = '\0';
}

void text_add(struct text *t, const char *s)
{
    text_add_n(t, s, strlen(s));
}

void text_addf(struct text *t, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    if (n >= 0 && reserve(t, (size_t)n)) {
        (void)vsnprintf(t->at + t->n, (size_t)n + 1, format, again);
        t->n += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void text_free(struct text *t)
{
    free(t->at);
    *t = (struct text){0};
}

/* --- texts of others ----------------------------------------------------------------- */

size_t text_decode(const char *s, size_t n, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char first = (unsigned char)*s;
    const size_t length = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (!length || length > n || first > 0xf4)
        return 0;
    uint32_t c = length == 1 ? first : first & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | ((unsigned char)s[i] & 0x3f);
    }
    const bool surrogate = c >= 0xd800 && c < 0xe000;
    if (c < least[length] || c > 0x10ffff || surrogate)
        return 0;
    *character = c;
    return length;
}

bool text_is_control(uint32_t c)
{
    const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
    const bool direction = c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
                           (c >= 0x2066 && c <= 0x2069);
    return control || direction || c == 0x2028 || c == 0x2029;
}

size_t text_show(char out[TEXT_SHOWN], const char *s, size_t n, size_t *used)
{
    uint32_t c = 0;
    const size_t length = text_decode(s, n, &c);
    *used = length ? length : 1;
    if (!length)
        return (size_t)snprintf(out, TEXT_SHOWN, "\\x%02x", (unsigned)(unsigned char)*s);
    if (text_is_control(c))
        return (size_t)snprintf(out, TEXT_SHOWN, "\\u%04x", (unsigned)c);
    memcpy(out, s, length);
    out[length] = '\0';
    return length;
}

void text_add_shown(struct text *t, const char *s, unsigned least, unsigned most)
{
    char shown[TEXT_SHOWN];
    unsigned columns = 0;
    for (size_t n = strlen(s), used; n; s += used, n -= used) {
        const size_t length = text_show(shown, s, n, &used);
        const unsigned wide = (unsigned char)shown[0] < 0x80 ? (unsigned)length : 1;
        if (columns + wide > most)
            break;
        columns += wide;
        text_add_n(t, shown, length);
    }
    for (; columns < least; columns++)
        text_add_n(t, " ", 1);
}

size_t text_clip(const char *s, size_t n, size_t most)
{
    if (n <= most)
        return n;
    size_t end = most;
    while (end > 0 && most - end < 4 && ((unsigned char)s[end] & 0xc0) == 0x80)
        end--;
    return end;
}
