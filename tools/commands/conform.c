#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "tools/commands/commands.h"
#include "tools/commands/conformance_case.h"
#include "tools/report.h"

/* In a batch, each vector is run by so many instances of itself: all must agree. */
enum { INSTANCES = 9 };

/* What has been found so far. */
struct conform {
    enum sim_simulator simulator;
    uint32_t instances; /* 0: no batch */
    bool as_json;
    uint64_t passed, failed;
    struct text text;
    struct json_out json; /* writes into text */
};

static void add_failure(struct conform *c, const char *file, unsigned line, const struct vector *v,
                        const char *what)
{
    const char *name = v->name.at ? v->name.at : "";
    if (!c->as_json) {
        text_add_shown(&c->text, file, 0, TEXT_WHOLE);
        text_addf(&c->text, ":%u: ", line);
        text_add_shown(&c->text, name, 0, TEXT_WHOLE);
        text_add(&c->text, ": ");
        text_add_shown(&c->text, what, 0, TEXT_WHOLE);
        text_add(&c->text, "\n");
        return;
    }
    json_open(&c->json, NULL, '{');
    json_text(&c->json, "file", file);
    json_number(&c->json, "line", line);
    json_text(&c->json, "name", name);
    json_text(&c->json, "what", what);
    json_close(&c->json, '}');
}

static int run_line(struct conform *c, const char *file, unsigned number, const char *line, size_t size)
{
    struct vector v;
    struct diag d;
    struct text difference = {0};
    int status = EXIT_FINE;
    if (vector_read(line, size, file, number, &v, &d) != ST_OK) {
        status = tool_diag(&d);
    } else if (!vector_run(&v, c->simulator, c->instances, &difference)) {
        status = tool_error("%s:%u: out of memory", file, number);
    } else if (difference.n) {
        c->failed++;
        add_failure(c, file, number, &v, difference.at);
    } else {
        c->passed++;
    }
    text_free(&difference);
    vector_free(&v);
    return status;
}

static bool is_blank(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!strchr(" \t\r", line[i]))
            return false;
    return true;
}

static int run_file(struct conform *c, const char *path)
{
    const size_t limit = 1 << 30;
    char *text;
    size_t size;
    struct diag d;
    if (file_read_text(path, limit, &text, &size, &d) != ST_OK)
        return tool_diag(&d);
    int status = EXIT_FINE;
    unsigned number = 1, vectors = 0;
    for (const char *line = text, *end = text + size; line < end && status == EXIT_FINE; number++) {
        const char *newline = memchr(line, '\n', (size_t)(end - line)), *stop = newline ? newline : end;
        if (!is_blank(line, (size_t)(stop - line))) {
            status = run_line(c, path, number, line, (size_t)(stop - line));
            vectors++;
        }
        line = stop + 1;
    }
    if (status == EXIT_FINE && vectors == 0)
        status = tool_error("%s: no vectors, expected one a line", path);
    free(text);
    return status;
}

static int finish(struct conform *c)
{
    if (c->as_json) {
        json_close(&c->json, ']');
        json_number(&c->json, "passed", c->passed);
        json_number(&c->json, "failed", c->failed);
        json_close(&c->json, '}');
        text_add(&c->text, "\n");
    } else {
        text_addf(&c->text, "%" PRIu64 " passed, %" PRIu64 " failed\n", c->passed, c->failed);
    }
    const int status = tool_print(&c->text);
    return status != EXIT_FINE ? status : c->failed ? EXIT_FAILED : EXIT_FINE;
}

static int conform(const struct options *o)
{
    const char *name = opt_text(o, OPT_SIMULATOR);
    struct conform c = {.simulator = SIM_FAST, .as_json = opt_given(o, OPT_JSON)};
    if (name && strcmp(name, "batch") == 0)
        c.instances = INSTANCES;
    else if (name && (c.simulator = sim_find_simulator(name)) == SIM_SIMULATORS)
        return tool_error("--simulator %s: expected step, fast or batch", name);
    c.json.text = &c.text;
    if (c.as_json) {
        json_open(&c.json, NULL, '{');
        json_open(&c.json, "failures", '[');
    }
    int status = EXIT_FINE;
    for (unsigned i = 0; i < o->n_operands && status == EXIT_FINE; i++)
        status = run_file(&c, o->operands[i]);
    if (status == EXIT_FINE)
        return finish(&c);
    text_free(&c.text);
    return status;
}

const struct command command_conform = {
    .name = "conform",
    .operands = "FILE...",
    .doc = "run conformance vectors; the last line is `N passed, N failed`",
    .min_operands = 1,
    .max_operands = UINT_MAX,
    .options = OPT(SIMULATOR) | OPT(JSON),
    .run = conform,
};
