/* The words of the assembly, over the scanner of json_scan.h (README.md has the
 * syntax). Spaces never matter; line ends do inside a bundle. */
#ifndef SHEAF_PROGRAM_ASM_LEX_H
#define SHEAF_PROGRAM_ASM_LEX_H

#include "sim/program/json_scan.h"

/* The next character that is neither white space nor comment; '\n' for the end of a
 * line, -1 at the end of the input. asm_peek_across also skips line ends. */
int asm_peek(struct scan *s);
int asm_peek_across(struct scan *s);

/* What stands at the current place, for messages. */
const char *asm_found(struct scan *s);

/* A name: an identifier, or anything as a JSON string. */
bool asm_name(struct scan *s, struct json_token *out, const char *what);

/* An identifier with a colon right behind it, both consumed; false, and nothing
 * consumed, where something else comes. */
bool asm_heading(struct scan *s, struct json_token *out);

/* An operation's name: an identifier, or a run of operator characters. */
bool asm_operation(struct scan *s, struct json_token *out);

/* A whole number within low..high, decimal or hex after 0x, perhaps negative. */
bool asm_int(struct scan *s, int64_t low, int64_t high, int64_t *out, const char *what);

/* A whole number of any size: beyond 64 bits what is left of it modulo 2^32. */
bool asm_literal(struct scan *s, int64_t *out);

#endif
