/* Any JSON value in its one compact spelling: keys, texts, unknown slots. */
#ifndef SHEAF_PROGRAM_JSON_ANY_H
#define SHEAF_PROGRAM_JSON_ANY_H

#include "sim/base/diag.h"
#include "sim/base/text.h"

/* The longest value read, in bytes; and what an error says. */
enum { JSON_ANY_MAX = 1 << 20, JSON_ANY_WHY = 200 };

struct json_any {
    size_t used;            /* bytes of the input the value took */
    size_t at;              /* on failure, where in the input */
    char why[JSON_ANY_WHY]; /* on failure, what is wrong */
};

/* Reads the value that `text` begins with and appends it to `out`: no white space,
 * object keys sorted, control characters (see text.h) escaped. ST_OK, ST_INPUT with r->at and r->why, or
 * ST_NOMEM. */
enum status json_any_read(const char *text, size_t size, struct text *out, struct json_any *r);

/* The same for a string, appending its characters rather than its spelling. */
enum status json_any_string(const char *text, size_t size, struct text *out, struct json_any *r);

#endif
