/* sheaf: the command. Each subcommand is one file and one row here. */
#include <stdio.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/sheaf.h"
#include "tools/commands/commands.h"
#include "tools/report.h"

static const struct command *const commands[] = {
    &command_run,  &command_kernels, &command_build, &command_judge, &command_profile, &command_optimize,
    &command_diff, &command_search,  &command_sweep, &command_check, &command_conform, &command_gen,
    &command_asm,  &command_dis,     &command_trace, &command_debug,
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
        "\nsheaf COMMAND --help tells more; sheaf --version. PROGRAM is a file (.json, .s) or KERNEL[:VARIANT].\n"
        "Exit status: 0 fine, 1 the check failed, 2 usage or bad input, 3 the simulated program faulted.\n");
    return tool_print(&t);
}

static int version(void)
{
    struct text t = {0};
    text_addf(&t, "sheaf %s\n", sheaf_version());
    return tool_print(&t);
}

/* An output that is also read from would be lost; a search and a sweep go on from theirs. */
static bool spares_inputs(const struct options *o)
{
    static const enum opt inputs[] = {OPT_MEM, OPT_AGAINST, OPT_SCRIPT};
    if (o->command == &command_search || o->command == &command_sweep)
        return true;
    for (size_t i = 0; i < o->given.n; i++) {
        const char *path = o->given.at[i].id == OPT_OUTPUT ? o->given.at[i].text : NULL;
        for (unsigned k = 0; path && k < o->n_operands + 3; k++) {
            const char *input = k < o->n_operands ? o->operands[k] : opt_text(o, inputs[k - o->n_operands]);
            if (input && file_same(path, input)) {
                (void)tool_error("-o %s: that is the input %s, expected another file", path, input);
                return false;
            }
        }
    }
    return true;
}

static int run(const struct command *c, int argc, char **argv)
{
    struct options o;
    int status = EXIT_USAGE;
    if (options_parse(&o, c, argc, argv)) {
        struct text t = {0};
        if (!opt_given(&o, OPT_HELP)) {
            status = spares_inputs(&o) ? c->run(&o) : EXIT_USAGE;
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
    if (strcmp(name, "--version") == 0)
        return version();
    for (unsigned i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return run(commands[i], argc - 1, argv + 1);
    return tool_error("no command `%s` (see sheaf --help)", name);
}
