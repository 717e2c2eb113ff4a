/* A scanner for readers that know what must come next: no tree, no allocation, and
 * every complaint has its place. The first failure sticks: from then on every call
 * is harmless, so a reader asks s->status where it matters. The functions here read
 * JSON; asm_lex.h adds those that read assembly. */
#ifndef SHEAF_PROGRAM_JSON_SCAN_H
#define SHEAF_PROGRAM_JSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/diag.h"
#include "sim/base/text.h"

struct scan {
    const char *text;
    size_t size, pos;
    uint32_t line; /* of pos, from 1 */
    const char *file;
    struct diag *d;
    enum status status;
    struct text spelled; /* the last string that had escapes */
};

/* A string's characters; valid until the next string is read. `offset` is where it
 * stands in the text. */
struct json_token {
    const char *at;
    size_t n, offset;
};

/* The arguments of a %.*s that shows a token, clipped. */
#define TOKEN(t) (int)text_clip((t).at, (t).n, 40), (t).at

void scan_begin(struct scan *s, const char *text, size_t size, const char *file, struct diag *d);
void scan_end(struct scan *s);

/* Records a failure; always false. */
bool scan_fail(struct scan *s, size_t offset, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool scan_no_memory(struct scan *s);

/* The next character that is not white space, -1 at the end of the input. */
int scan_skip(struct scan *s);
static inline int scan_peek(struct scan *s)
{
    const bool here = s->pos < s->size && s->status == ST_OK && (unsigned char)s->text[s->pos] > ' ';
    return here ? (unsigned char)s->text[s->pos] : scan_skip(s);
}

/* What begins at the current place, for messages: "a number", "the end of the input". */
const char *scan_found(struct scan *s);

/* Requires and consumes '[' or '{'; `what` names the expected thing. */
bool scan_open(struct scan *s, char open, const char *what);

/* for (bool first = true; scan_item(&s, ']', &first);) walks the items of an open
 * list or object: true before each item, false after the closing bracket was
 * consumed or on failure. */
bool scan_item(struct scan *s, char close, bool *first);

bool scan_string(struct scan *s, struct json_token *out, const char *what);

/* A member's key and its colon. */
bool scan_key(struct scan *s, struct json_token *out);

/* A whole number of any size: beyond 64 bits what is left of it modulo 2^32. */
bool scan_literal(struct scan *s, int64_t *out);

/* A whole number within low..high. */
bool scan_int(struct scan *s, int64_t low, int64_t high, int64_t *out, const char *what);

/* Any value, in compact spelling, appended to `out`. */
bool scan_value(struct scan *s, struct text *out);

/* Only white space may follow. */
bool scan_finish(struct scan *s);

#endif
