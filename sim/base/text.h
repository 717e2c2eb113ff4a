/* A growing text. An allocation failure is sticky: appending goes on being
 * harmless and text_ok() is asked once at the end. */
#ifndef SHEAF_BASE_TEXT_H
#define SHEAF_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise to start, text_free to end. `at` is NUL-terminated once
 * anything was appended. */
struct text {
    char *at;
    size_t n, capacity;
    bool failed;
};

void text_add(struct text *t, const char *s);
void text_add_n(struct text *t, const char *s, size_t n);
void text_addf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline bool text_ok(const struct text *t)
{
    return !t->failed;
}
void text_free(struct text *t);

/* Texts of others. Names, keys, file names and options may hold anything; what of it a terminal obeys, or
 * shows in another order, is shown escaped: a control character as \u001b, a byte that is no UTF-8 as \xff.
 */

/* The character that `s`, of n > 0 bytes, begins with, and its length; 0 where that is no UTF-8. */
size_t text_decode(const char *s, size_t n, uint32_t *character);

/* Whether a terminal or a line of text would obey it: controls (C0, DEL, C1), marks and overrides of
 * direction, separators of lines. */
bool text_is_control(uint32_t character);

enum { TEXT_SHOWN = 8 };

/* One character of `s`, of n > 0 bytes, as it is shown, into `out`, NUL-terminated; the length of it there.
 * The bytes of `s` that it is go to *used. What is escaped already stays as it is. */
size_t text_show(char out[TEXT_SHOWN], const char *s, size_t n, size_t *used);

/* Appends `s` as it is shown, as %-*.*s would: with spaces up to `least` columns, and nothing beyond `most`.
 */
enum { TEXT_WHOLE = 1 << 30 };
void text_add_shown(struct text *t, const char *s, unsigned least, unsigned most);

/* The most bytes of the first `n` of `s`, not more than `most`, that end with a whole character. */
size_t text_clip(const char *s, size_t n, size_t most);

#endif
