/* sheaf: the command. Each subcommand is one file and one row here. */
#include <stdio.h>
#include <string.h>

#include "tools/commands.h"
#include "tools/report.h"

static const struct command *const commands[] = {
    &command_run,  &command_kernels, &command_build, &command_judge, &command_profile,
    &command_diff, &command_search,  &command_sweep, &command_check, &command_conform,
    &command_gen,  &command_asm,     &command_dis,   &command_trace, &command_debug,
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static int help(void)
{
    struct text t = {0};
    text_add(&t, "usage: sheaf COMMAND [OPTION...]\n\n"
                 "Simulates programs of a bundle machine, counts their cycles and checks their results.\n\n");
    for (unsigned i = 0; i < COMMANDS; i++)
        text_addf(&t, "  %-10s %s\n", commands[i]->name, commands[i]->doc);
    text_add(
        &t,
        "\nsheaf COMMAND --help tells more. PROGRAM is a file (.json, .s) or KERNEL[:VARIANT].\n"
        "Exit status: 0 fine, 1 the check failed, 2 usage or bad input, 3 the simulated program faulted.\n");
    return tool_print(&t);
}

static int run(const struct command *c, int argc, char **argv)
{
    struct options o;
    int status = EXIT_USAGE;
    if (options_parse(&o, c, argc, argv)) {
        struct text t = {0};
        if (!opt_given(&o, OPT_HELP)) {
            status = c->run(&o);
        } else {
            options_help(c, &t);
            status = tool_print(&t);
        }
    }
    options_free(&o);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return tool_error("expected a command (see sheaf --help)");
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return help();
    for (unsigned i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return run(commands[i], argc - 1, argv + 1);
    return tool_error("no command `%s` (see sheaf --help)", name);
}
