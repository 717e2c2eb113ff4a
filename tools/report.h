/* What commands print: errors, aligned reports, JSON objects. */
#ifndef SHEAF_TOOLS_REPORT_H
#define SHEAF_TOOLS_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "builder/passes/bound.h"
#include "sim/base/diag.h"
#include "sim/base/json_out.h"
#include "sim/machine.h"

/* What a command returns. */
enum tool_exit {
    EXIT_FINE = 0,
    EXIT_FAILED = 1,  /* the check failed */
    EXIT_USAGE = 2,   /* usage or bad input */
    EXIT_FAULTED = 3, /* the simulated program faulted */
};

/* Print "sheaf: ..." on standard error, and return EXIT_USAGE. Control characters that came in with a
 * name or an option are escaped (see text.h), here and in what tool_print prints. */
int tool_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
int tool_diag(const struct diag *d);

/* Prints the text, which is freed, on standard output; EXIT_FINE or, with an error
 * printed, EXIT_USAGE. */
int tool_print(struct text *t);

/* The same for a report in colour, whose escapes of it (ESC [ ... m) are kept: its names were escaped before.
 */
int tool_print_coloured(struct text *t);

/* Which of them it is: "work", "dep" or "live". */
const char *bound_what(const struct bound *b);

/* A bound, and how many times as many the cycles are: a line of a report; the keys
 * "bounds" and "ratio", null where no bound is known (cycles 0). */
void text_bound(struct text *t, const struct bound *b, uint64_t cycles);
void json_bound(struct json_out *j, const struct bound *b, uint64_t cycles);

/* A fault as an object of a list; nothing where there is none. */
void json_fault(const struct sim_fault *f, struct json_out *j);

#endif
