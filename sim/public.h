/* What the files of the public interface share; not installed. */
#ifndef SHEAF_SIM_PUBLIC_H
#define SHEAF_SIM_PUBLIC_H

#include "sim/machine.h"
#include "sim/sheaf.h"

struct sheaf_program {
    struct prog *prog;
};

/* A program for callers, who own it from now on; destroyed where memory has run out. */
enum sheaf_status public_program(struct prog *prog, struct sheaf_program **out);

/* The status as callers know it; unless it is ST_OK, *error (may be NULL) says what *d says. */
enum sheaf_status public_answer(enum status status, const struct diag *d, struct sheaf_error *error);

/* Copies the text, as much of it as fits into `size` bytes, and frees it; its length. */
size_t public_text(struct text *t, char *out, size_t size);

/* The caller's config, which may be of another version or NULL, with defaults for the rest. */
struct sheaf_config public_config(const struct sheaf_config *given);

/* The machine it asks for, starting from `machine`. */
struct isa_machine public_machine(const struct sheaf_config *c, const struct isa_machine *machine);

#endif
