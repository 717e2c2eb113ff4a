/* JSON values that are handed on as they came: ids of requests. What is copied is read strictly, so that it
 * is JSON for every reader; numbers may have any size, keys may repeat. And strings of any length. */
#ifndef SHEAF_TOOLS_COMMANDS_JSON_COPY_H
#define SHEAF_TOOLS_COMMANDS_JSON_COPY_H

#include "sim/program/json_scan.h"

enum { JSON_COPY_DEPTH = 128 };

/* Appends the value at the current place as it is spelled, without white space and with control characters
 * escaped. False, with the failure in the scanner, where it is none (also: UTF-8 that is none, half a
 * surrogate pair, more than JSON_COPY_DEPTH brackets in one another). */
bool json_copy(struct scan *s, struct text *out);

/* Appends the characters of the string at the current place, which \u0000 may be one of. `what` names what is
 * expected. */
bool json_characters(struct scan *s, struct text *out, const char *what);

/* The number at the current place, consumed; *size is 0 where there is none, or none of JSON. */
const char *json_number_at(struct scan *s, size_t *size);

#endif
