/* A growing text. An allocation failure is sticky: appending goes on being
 * harmless and text_ok() is asked once at the end. */
#ifndef SHEAF_BASE_TEXT_H
#define SHEAF_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise to start, text_free to end. `at` is NUL-terminated once
 * anything was appended. */
struct text {
    char *at;
    size_t n, room;
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

#endif
