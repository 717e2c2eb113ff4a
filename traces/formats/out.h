/* Bytes on their way out: gathered, and handed on in large pieces. A failure is
 * sticky: writing goes on being harmless, and is asked for at the end. */
#ifndef SHEAF_TRACES_FORMATS_OUT_H
#define SHEAF_TRACES_FORMATS_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/text.h"

enum { OUT_BUFFER = 1 << 16 };

struct out {
    /* Takes `size` bytes; false when it could not take all of them. */
    bool (*write)(void *user, const void *data, size_t size);
    void *user;
    size_t n; /* bytes gathered */
    bool failed;
    char buffer[OUT_BUFFER];
};

/* Begins; `write` is called with `user`, which is borrowed. */
void out_begin(struct out *o, bool (*write)(void *user, const void *data, size_t size), void *user);

void out_bytes(struct out *o, const void *data, size_t size);
void out_string(struct out *o, const char *s);

/* Writes what was gathered in `t` and empties it, its memory kept. A text that has failed is a
 * failure of the output. */
void out_text(struct out *o, struct text *t);

/* Hands on what is left; false if anything failed since the start. */
bool out_end(struct out *o);

#endif
