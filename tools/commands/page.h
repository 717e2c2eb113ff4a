/* The HTML report of the trace command. */
#ifndef SHEAF_TOOLS_COMMANDS_PAGE_H
#define SHEAF_TOOLS_COMMANDS_PAGE_H

#include "tools/session/job.h"

/* Runs the job, which is open, and the program of --against where it is given, and writes the page
 * to `path` ("-" is standard output); also after a fault or a wrong result. An exit status, with one
 * error printed unless it is EXIT_FINE. */
int page_write(const struct options *o, const struct job *j, const char *path);

#endif
