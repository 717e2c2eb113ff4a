/* Protocol buffers' wire format ("Encoding", the Protocol Buffers documentation): fields
 * appended to a text, whose bytes are a message. */
#ifndef SHEAF_TRACES_FORMATS_PROTO_H
#define SHEAF_TRACES_FORMATS_PROTO_H

#include <stdint.h>

#include "sim/base/text.h"

/* A number that is not negative: any of the integer types but those of fixed size, an enum, a bool. */
void proto_number(struct text *message, uint32_t field, uint64_t value);

/* Bytes or a string. */
void proto_bytes(struct text *message, uint32_t field, const char *bytes, size_t n);
void proto_string(struct text *message, uint32_t field, const char *s);

/* A message as a field of another one; it is emptied, its memory kept. */
void proto_message(struct text *message, uint32_t field, struct text *inner);

#endif
