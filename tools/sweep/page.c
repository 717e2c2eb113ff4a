#include "tools/sweep/page.h"

#include "tools/sweep/out.h"

static void add_lines(const char *const *line, struct text *out)
{
    for (; *line; line++) {
        text_add(out, *line);
        text_add(out, "\n");
    }
}

/* JSON has `<` in strings only, and there it may be written otherwise: no text ends the script. */
static void add_data(const struct text *json, struct text *out)
{
    for (size_t from = 0, n; from < json->n; from += n) {
        for (n = 0; from + n < json->n && json->at[from + n] != '<'; n++)
            ;
        text_add_n(out, json->at + from, n);
        if (from + n < json->n) {
            text_add(out, "\\u003c");
            n++;
        }
    }
}

void sweep_html(const struct sweep_plan *p, struct text *out)
{
    struct text json = {0};
    sweep_json(p, &json);
    add_lines(sweep_page_head, out);
    add_data(&json, out);
    add_lines(sweep_page_tail, out);
    out->failed = out->failed || !text_ok(&json);
    text_free(&json);
}
