#include "traces/formats/out.h"

#include <string.h>

void out_begin(struct out *o, bool (*write)(void *user, const void *data, size_t size), void *user)
{
    o->write = write;
    o->user = user;
    o->n = 0;
    o->failed = false;
}

static void hand_on(struct out *o, const void *data, size_t size)
{
    if (size && !o->failed)
        o->failed = !o->write(o->user, data, size);
}

void out_bytes(struct out *o, const void *data, size_t size)
{
    if (size > OUT_BUFFER - o->n) {
        hand_on(o, o->buffer, o->n);
        o->n = 0;
    }
    if (size > OUT_BUFFER) {
        hand_on(o, data, size);
    } else if (size) {
        memcpy(o->buffer + o->n, data, size);
        o->n += size;
    }
}

void out_string(struct out *o, const char *s)
{
    out_bytes(o, s, strlen(s));
}

void out_text(struct out *o, struct text *t)
{
    if (!text_ok(t))
        o->failed = true;
    else if (t->n)
        out_bytes(o, t->at, t->n);
    t->n = 0;
}

bool out_end(struct out *o)
{
    hand_on(o, o->buffer, o->n);
    o->n = 0;
    return !o->failed;
}
