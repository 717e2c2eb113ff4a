/* The command: reads lines, from a person, a script or a pipe. */
#include "tools/debug/debug.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands/commands.h"
#include "tools/report.h"

enum { MAX_LINE = 1024 };

static const char prompt[] = "sheaf> ";

/* Where lines come from. */
struct source {
    FILE *file;
    const char *name;
    bool person; /* sees a prompt, may go on after errors, and can interrupt */
    unsigned line;
};

/* A line without its end; false at the end of the input. A line that is too long is clipped, so
 * that it is refused as one. */
static bool read_line(struct source *src, char line[MAX_LINE + 2])
{
    int c;
    size_t n = 0;
    while ((c = fgetc(src->file)) != EOF && c != '\n')
        if (n <= MAX_LINE)
            line[n++] = (char)(c ? c : ' ');
    line[n] = '\0';
    src->line++;
    return c != EOF || n;
}

static bool send(struct text *out)
{
    return tool_print(out) == EXIT_FINE;
}

/* While a command runs, an interrupt of the terminal waits to be asked for. */
static void hold_interrupt(bool hold)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static bool is_interrupted(void *user)
{
    (void)user;
    sigset_t set;
    int number;
    if (sigpending(&set) != 0 || !sigismember(&set, SIGINT))
        return false;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    return sigwait(&set, &number) == 0;
}

/* One line; false to end, with *status. */
static bool obey(struct session *s, struct source *src, const char *line, int *status)
{
    struct text out = {0};
    struct diag d = {0};
    bool quit = false;
    hold_interrupt(src->person);
    const enum status did = debug_command(s, line, &out, &quit, &d);
    hold_interrupt(false);
    if (!send(&out)) {
        *status = EXIT_USAGE;
        return false;
    }
    if (did == ST_OK)
        return !quit;
    if (src->person) {
        (void)printf("%s\n", d.text);
        return true;
    }
    *status = tool_error("%s:%u: `%.200s`: %s", src->name, src->line, line, d.text);
    return false;
}

static bool echo(const char *line)
{
    struct text t = {0};
    text_add(&t, prompt);
    text_add_shown(&t, line, 0, TEXT_WHOLE);
    text_add(&t, "\n");
    return send(&t);
}

/* Transcripts are the same for a terminal and a script: of a script the lines are shown. */
static int converse(struct session *s, struct source *src)
{
    char line[MAX_LINE + 2], last[MAX_LINE + 2] = "";
    int status = EXIT_FINE;
    struct text hello = {0};
    debug_where(s->r->sim, s->core, &hello);
    text_add(&hello, "\n");
    if (!send(&hello))
        return EXIT_USAGE;
    for (;;) {
        if (src->person && (fputs(prompt, stdout) < 0 || fflush(stdout) != 0))
            return EXIT_USAGE;
        if (!read_line(src, line))
            break;
        if (!src->person && *line && !echo(line))
            return EXIT_USAGE;
        if (src->person && !*line)
            memcpy(line, last, sizeof line);
        memcpy(last, line, sizeof line);
        if (!obey(s, src, line, &status))
            return status;
    }
    if (ferror(src->file))
        return tool_error("%s: %s", src->name, strerror(errno));
    return status;
}

static int debug(const struct options *o)
{
    struct session s = {0};
    const char *script = opt_text(o, OPT_SCRIPT);
    if (opt_given(o, OPT_DAP))
        return o->n_operands || o->given.n > 1 ? tool_error("--dap: a launch request says all the rest")
                                               : dap_serve();
    if (!o->n_operands)
        return tool_error("debug: expected PROGRAM, found nothing");
    struct source src = {stdin, "standard input", false, 0};
    if (script) {
        src.name = script;
        src.file = strcmp(script, "-") == 0 ? stdin : fopen(script, "r");
        if (!src.file)
            return tool_error("%s: %s", script, strerror(errno));
    }
    src.person = !script && isatty(STDIN_FILENO);
    int status = session_open(&s, o);
    if (status == EXIT_FINE && src.person)
        s.r->interrupt = is_interrupted;
    if (status == EXIT_FINE)
        status = converse(&s, &src);
    session_close(&s);
    if (src.file != stdin)
        (void)fclose(src.file);
    return status;
}

const struct command command_debug = {
    .name = "debug",
    .operands = "PROGRAM",
    .doc = "run a program step by step, forward and backward, and look at its values",
    .min_operands = 0,
    .max_operands = 1,
    .options = OPT(SET) | OPT(SEED) | OPT(CONTRACT) | OPT(KERNEL) | OPT(MEM) | OPT(CYCLE_LIMIT) |
               OPT(STRICT) | OPT(PAUSE) | OPT(NO_DEBUG) | OPT(MACHINE) | OPT(CORES) | OPT(SCRATCH) |
               OPT(EFFORT) | OPT(JOBS) | OPT(RECORD) | OPT(SCRIPT) | OPT(DAP),
    .run = debug,
};
