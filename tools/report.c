#include "tools/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "traces/profile/profile.h"

enum { LINES = 1, COLOURS = 2 }; /* what is kept of a text's controls */

/* The length of what is kept as it is at the start of the text. */
static size_t kept(const char *s, size_t n, unsigned keep)
{
    if (*s == '\n' || *s == '\t')
        return keep & LINES ? 1 : 0;
    if (*s != '\033' || !(keep & COLOURS) || n < 3 || s[1] != '[')
        return 0;
    size_t i = 2;
    while (i + 1 < n && ((s[i] >= '0' && s[i] <= '9') || s[i] == ';'))
        i++;
    return s[i] == 'm' && i < TEXT_SHOWN ? i + 1 : 0;
}

/* The text as it is shown, but for what is kept. */
static bool print_shown(FILE *f, const char *s, size_t n, unsigned keep)
{
    char line[1024];
    size_t filled = 0, used;
    bool good = true;
    for (; n && good; s += used, n -= used) {
        used = kept(s, n, keep);
        if (used) {
            memcpy(line + filled, s, used);
            filled += used;
        } else {
            filled += text_show(line + filled, s, n, &used);
        }
        if (filled + TEXT_SHOWN > sizeof line) {
            good = fwrite(line, 1, filled, f) == filled;
            filled = 0;
        }
    }
    return good && fwrite(line, 1, filled, f) == filled;
}

/* Whether it may be printed as it is. */
static bool is_harmless(const char *s, size_t n)
{
    unsigned harm = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)s[i];
        harm |= (unsigned)(c >= 127) | ((unsigned)(c < 32) & (unsigned)(c != '\n') & (unsigned)(c != '\t'));
    }
    return !harm;
}

static int print_error(const char *text, unsigned keep)
{
    (void)fputs("sheaf: ", stderr);
    (void)print_shown(stderr, text, strlen(text), keep);
    (void)fputc('\n', stderr);
    return EXIT_USAGE;
}

int tool_error(const char *format, ...)
{
    char text[8192] = "";
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return print_error(text, 0);
}

int tool_diag(const struct diag *d)
{
    char text[DIAG_TEXT + 5 * DIAG_LINE];
    (void)diag_render(d, text, sizeof text);
    return print_error(text, LINES);
}

static int print(struct text *t, unsigned keep)
{
    int status = EXIT_FINE;
    const char *at = t->at ? t->at : "";
    if (!text_ok(t))
        status = tool_error("out of memory for the output");
    else if (t->n && !((is_harmless(at, t->n) ? fwrite(at, 1, t->n, stdout) == t->n
                                              : print_shown(stdout, at, t->n, keep)) &&
                       fflush(stdout) == 0))
        status = tool_error("standard output: %s", strerror(errno));
    text_free(t);
    return status;
}

int tool_print(struct text *t)
{
    return print(t, LINES);
}

int tool_print_coloured(struct text *t)
{
    return print(t, LINES | COLOURS);
}

const char *bound_what(const struct bound *b)
{
    return b->cycles == b->work ? "work" : b->cycles == b->dep ? "dep" : "live";
}

void text_bound(struct text *t, const struct bound *b, uint64_t cycles)
{
    if (b->cycles)
        profile_bound_text(b->cycles, bound_what(b), cycles, t);
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
