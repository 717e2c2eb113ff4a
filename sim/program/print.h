/* Pieces of both writers. */
#ifndef SHEAF_PROGRAM_PRINT_H
#define SHEAF_PROGRAM_PRINT_H

#include "sim/program/program.h"

/* Where a printed slot finds its names. `label_of`, by bundle number up to and
 * including the end, may be NULL: then the program's own labels are searched. */
struct print_names {
    const struct prog *p;
    const struct prog_symbols *symbols;
    const char *const *label_of;
};

void print_slot(const struct print_names *names, const struct isa_slot *s, struct text *out);

void print_int(struct text *out, int64_t value);

/* A JSON string, quotes included. */
void print_string(struct text *out, const char *s);

/* A name as assembly spells it: bare, or a JSON string where it is not an identifier. */
void print_name(struct text *out, const char *name);

/* The characters of an identifier: the first, and the others. */
static inline bool print_ident_start(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
static inline bool print_ident_part(int c)
{
    return print_ident_start(c) || (c >= '0' && c <= '9') || c == '.';
}

#endif
