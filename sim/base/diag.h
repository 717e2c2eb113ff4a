/* A diagnostic: one error about a user's input, as data. Library code fills it
 * in and returns a status; only the command prints it. */
#ifndef SHEAF_BASE_DIAG_H
#define SHEAF_BASE_DIAG_H

#include <stddef.h>

#include "sim/base/status.h"

enum { DIAG_TEXT = 400, DIAG_LINE = 160 };

struct diag {
    char file[DIAG_LINE];   /* as it is called; "" when the input has no name */
    unsigned line;          /* from 1; 0 when there is no position */
    unsigned column;        /* from 1, in bytes */
    char text[DIAG_TEXT];   /* what was found and what was expected */
    char source[DIAG_LINE]; /* the offending line as it is shown, clipped around the column */
    unsigned caret;         /* column of the caret inside `source`, in characters, from 1 */
};

/* Sets the text (printf style; what it quotes is kept as it is shown, see text.h), clears the position, and
 * returns `status`, so that a failing function can end in one line. `d` may be NULL. */
enum status diag_set(struct diag *d, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with a position: byte `offset` of the input `text` of `size` bytes.
 * Line, column and the source excerpt are derived from it. */
enum status diag_at(struct diag *d, const char *file, const char *text, size_t size, size_t offset,
                    const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Renders "file:line:column: text" and, where there is a source line, the line
 * and a caret below it. Returns the length that was needed, like snprintf. */
size_t diag_render(const struct diag *d, char *out, size_t size);

#endif
