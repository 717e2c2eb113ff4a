/* Writing JSON into a text. */
#ifndef SHEAF_BASE_JSON_OUT_H
#define SHEAF_BASE_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/text.h"

/* A JSON string; bytes that are no text (a file's name may be anything, a slot's text may be
 * clipped) become the replacement character. */
void json_quote(struct text *t, const char *s);

/* A JSON value being written into a text: commas are put where they belong. */
struct json_out {
    struct text *text;
    bool comma;
};

/* An object or list as the value of `key`, or as an item where key is NULL. */
void json_open(struct json_out *j, const char *key, char bracket);
void json_close(struct json_out *j, char bracket);
void json_number(struct json_out *j, const char *key, uint64_t value);
void json_decimal(struct json_out *j, const char *key, double value);
void json_bool(struct json_out *j, const char *key, bool value);
/* NULL is written as null. */
void json_text(struct json_out *j, const char *key, const char *value);

#endif
