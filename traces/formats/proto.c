#include "traces/formats/proto.h"

#include <string.h>

enum wire { WIRE_VARINT = 0, WIRE_BYTES = 2 };

/* Seven bits a byte, the lowest first; the top bit says that there are more. */
static void varint(struct text *t, uint64_t value)
{
    char bytes[10];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[n++] = (char)(value | 0x80);
    bytes[n++] = (char)value;
    text_add_n(t, bytes, n);
}

static void tag(struct text *message, uint32_t field, enum wire wire)
{
    varint(message, (uint64_t)field << 3 | wire);
}

void proto_number(struct text *message, uint32_t field, uint64_t value)
{
    tag(message, field, WIRE_VARINT);
    varint(message, value);
}

void proto_bytes(struct text *message, uint32_t field, const char *bytes, size_t n)
{
    tag(message, field, WIRE_BYTES);
    varint(message, n);
    text_add_n(message, bytes, n);
}

void proto_string(struct text *message, uint32_t field, const char *s)
{
    proto_bytes(message, field, s, strlen(s));
}

void proto_message(struct text *message, uint32_t field, struct text *inner)
{
    proto_bytes(message, field, inner->n ? inner->at : "", inner->n);
    message->failed = message->failed || inner->failed;
    inner->n = 0;
}
