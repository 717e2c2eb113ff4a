/* The subcommands: one file each, one row each in main.c. */
#ifndef SHEAF_TOOLS_COMMANDS_COMMANDS_H
#define SHEAF_TOOLS_COMMANDS_COMMANDS_H

#include "tools/options.h"

extern const struct command command_run, command_kernels, command_build, command_search, command_sweep,
    command_check, command_optimize;
extern const struct command command_conform, command_gen, command_asm, command_dis;
extern const struct command command_trace, command_debug, command_judge, command_profile, command_diff;

#endif
