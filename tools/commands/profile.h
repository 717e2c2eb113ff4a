/* The profile command's report as data, for other commands. */
#ifndef SHEAF_TOOLS_COMMANDS_PROFILE_H
#define SHEAF_TOOLS_COMMANDS_PROFILE_H

#include "tools/session/record.h"

/* Appends the object of `profile --json` and a newline, as --by of the options asks. EXIT_FINE, or
 * EXIT_USAGE with one error printed. */
int profile_print_json(const struct job *j, const struct record *r, const struct options *o, struct text *t);

/* Colours only where somebody sees them, and wants them (no-color.org). */
bool profile_wants_colour(void);

#endif
