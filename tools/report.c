#include "tools/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int tool_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("sheaf: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    return EXIT_USAGE;
}

int tool_diag(const struct diag *d)
{
    char text[DIAG_TEXT + 4 * DIAG_LINE];
    (void)diag_render(d, text, sizeof text);
    return tool_error("%s", text);
}

int tool_print(struct text *t)
{
    int status = EXIT_FINE;
    if (!text_ok(t))
        status = tool_error("out of memory for the output");
    else if (t->n && (fwrite(t->at, 1, t->n, stdout) != t->n || fflush(stdout) != 0))
        status = tool_error("standard output: %s", strerror(errno));
    text_free(t);
    return status;
}

const char *bound_what(const struct bound *b)
{
    return b->cycles == b->work ? "work" : b->cycles == b->dep ? "dep" : "live";
}

void text_bound(struct text *t, const struct bound *b, uint64_t cycles)
{
    if (b->cycles)
        text_addf(t, "bound      %u cycles (%s), %.3f times\n", b->cycles, bound_what(b),
                  (double)cycles / b->cycles);
}

void json_bound(struct json_out *j, const struct bound *b, uint64_t cycles)
{
    if (!b->cycles) {
        json_text(j, "bounds", NULL);
        json_text(j, "ratio", NULL);
        return;
    }
    json_open(j, "bounds", '{');
    json_number(j, "work", b->work);
    json_number(j, "dep", b->dep);
    json_number(j, "live", b->live);
    json_close(j, '}');
    json_decimal(j, "ratio", (double)cycles / b->cycles);
}

void json_fault(const struct sim_fault *f, struct json_out *j)
{
    if (f->kind == FAULT_NONE)
        return;
    json_open(j, NULL, '{');
    json_text(j, "kind", sim_fault_name(f->kind));
    json_number(j, "core", f->core);
    json_number(j, "cycle", f->cycle);
    json_number(j, "bundle", (uint64_t)f->pc);
    if (f->engine != ISA_ENGINES) {
        json_text(j, "engine", isa_engine_name(f->engine));
        json_number(j, "slot", f->slot);
        json_text(j, "text", f->slot_text);
    }
    json_text(j, "what", f->what);
    json_close(j, '}');
}
