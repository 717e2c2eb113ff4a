/* Two profiles compared. */
#ifndef SHEAF_TOOLS_COMMANDS_DIFF_TABLE_H
#define SHEAF_TOOLS_COMMANDS_DIFF_TABLE_H

#include <jansson.h>

#include "sim/base/json_out.h"

/* Appends the figures of both and their change, aligned. Both are objects of `profile --json`;
 * figures that only one has are shown with a dash for the other. */
void diff_table_text(const json_t *a, const json_t *b, struct text *t);

/* The same as a list of objects {what, a, b}, under `key`. */
void diff_table_json(const json_t *a, const json_t *b, const char *key, struct json_out *j);

#endif
