#include "tools/sweep/out.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const result_columns[] = {"cycles", "bound", "ratio", "correct", "seconds", "reason"};
enum { RESULT_COLUMNS = sizeof result_columns / sizeof *result_columns, FIRST_SIZE = 3, AFTER_SIZES = 16 };

/* --- CSV ---------------------------------------------------------------------- */

static void csv_head(const struct sweep_plan *p, struct text *out)
{
    for (size_t i = 0; i < p->columns.n; i++)
        text_addf(out, "%s%s", i ? "," : "", p->columns.at[i]);
    for (unsigned i = 0; i < RESULT_COLUMNS; i++)
        text_addf(out, ",%s", result_columns[i]);
    text_add(out, "\n");
}

static void csv_row(const struct sweep_row *r, struct text *out)
{
    text_addf(out, "%s,", r->key);
    if (r->correct == SWEEP_NONE)
        text_add(out, ",,");
    else if (r->bound)
        text_addf(out, "%" PRIu64 ",%" PRIu64 ",%.4f", r->cycles, r->bound,
                  (double)r->cycles / (double)r->bound);
    else
        text_addf(out, "%" PRIu64 ",,", r->cycles);
    text_addf(out, ",%s,%.3f,\"",
              r->correct == SWEEP_NONE    ? ""
              : r->correct == SWEEP_WRONG ? "no"
                                          : "yes",
              r->seconds);
    for (const char *c = r->reason; *c; c++) {
        text_add_n(out, c, 1);
        if (*c == '"')
            text_add(out, "\"");
    }
    text_add(out, "\"\n");
}

void sweep_csv(const struct sweep_plan *p, struct text *out)
{
    csv_head(p, out);
    for (size_t i = 0; i < p->rows.n; i++)
        if (p->rows.at[i].done)
            csv_row(&p->rows.at[i], out);
}

/* --- and back ----------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    return strcmp((*(struct sweep_row *const *)a)->key, (*(struct sweep_row *const *)b)->key);
}

/* Where the result's columns begin: after as many commas as a key has columns. */
static char *after_key(const struct sweep_plan *p, char *line)
{
    for (size_t commas = 0; *line; line++)
        if (*line == ',' && ++commas == p->columns.n)
            return line;
    return NULL;
}

static bool read_line(struct sweep_plan *p, struct sweep_row **sorted, char *line)
{
    char *comma = after_key(p, line);
    if (!comma)
        return false;
    *comma = '\0';
    const struct sweep_row key = {.key = line}, *wanted = &key;
    struct sweep_row **row = bsearch(&wanted, sorted, p->rows.n, sizeof *sorted, by_key);
    return row && sweep_row_read(p, *row, comma + 1, strlen(comma + 1));
}

int sweep_csv_read(struct sweep_plan *p, const char *file, char *text)
{
    struct text head = {0};
    struct sweep_row **sorted = malloc((p->rows.n + 1) * sizeof(struct sweep_row *));
    csv_head(p, &head);
    int status = EXIT_FINE;
    if (!sorted || !text_ok(&head))
        status = tool_error("out of memory for the sweep");
    else if (strncmp(text, head.at, head.n) != 0)
        status = tool_error("%s:1: the columns of another sweep", file);
    for (size_t i = 0; i < p->rows.n && sorted; i++)
        sorted[i] = &p->rows.at[i];
    if (status == EXIT_FINE)
        qsort(sorted, p->rows.n, sizeof *sorted, by_key);
    char *line = text + head.n;
    for (unsigned number = 2; status == EXIT_FINE && *line; number++) {
        const size_t n = strcspn(line, "\n");
        const bool whole = line[n] == '\n';
        line[n] = '\0';
        if (!whole || !read_line(p, sorted, line))
            status = tool_error("%s:%u: not a point of this sweep", file, number);
        line += n + whole;
    }
    text_free(&head);
    free(sorted);
    return status;
}

/* --- what none beats ---------------------------------------------------------- */

/* Columns of the instance: kernel, contract and sizes. The others are the variant and the machine,
 * and what is the same for all. */
static bool of_problem(const struct sweep_plan *p, size_t column)
{
    return column == 0 || column == 2 || (column >= FIRST_SIZE && column + AFTER_SIZES < p->columns.n);
}

/* A column of a key: its length. */
static size_t field(const char *key, size_t column, const char **at)
{
    for (; column; column--)
        key += strcspn(key, ",") + 1;
    *at = key;
    return strcspn(key, ",");
}

static bool same_field(const struct sweep_row *a, const struct sweep_row *b, size_t column)
{
    const char *x, *y;
    const size_t n = field(a->key, column, &x);
    return n == field(b->key, column, &y) && memcmp(x, y, n) == 0;
}

static int compare_field(const struct sweep_row *a, const struct sweep_row *b, size_t column)
{
    const char *x, *y;
    const size_t n = field(a->key, column, &x), m = field(b->key, column, &y);
    /* Numbers have no leading zeros: the shorter is less. */
    return n != m ? (n < m ? -1 : 1) : memcmp(x, y, n);
}

/* A row among those that are correct, with the plan for its columns. */
struct entry {
    const struct sweep_plan *plan;
    const struct sweep_row *row;
};

/* By instance, then cost, then cycles, then place in the grid. */
static int by_problem(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    for (size_t c = 0; c < x->plan->columns.n; c++) {
        const int order = of_problem(x->plan, c) ? compare_field(x->row, y->row, c) : 0;
        if (order)
            return order;
    }
    if (x->row->cost != y->row->cost)
        return x->row->cost < y->row->cost ? -1 : 1;
    if (x->row->cycles != y->row->cycles)
        return x->row->cycles < y->row->cycles ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static bool same_problem(const struct sweep_plan *p, const struct sweep_row *a, const struct sweep_row *b)
{
    for (size_t c = 0; c < p->columns.n; c++)
        if (of_problem(p, c) && !same_field(a, b, c))
            return false;
    return true;
}

/* The front of every instance, in a row, from calloc; NULL when out of memory. */
static struct entry *front(const struct sweep_plan *p, size_t *n)
{
    struct entry *e = calloc(p->rows.n + 1, sizeof *e);
    size_t all = 0;
    *n = 0;
    for (size_t i = 0; e && i < p->rows.n; i++)
        if (p->rows.at[i].correct == SWEEP_CORRECT)
            e[all++] = (struct entry){p, &p->rows.at[i]};
    if (all)
        qsort(e, all, sizeof *e, by_problem);
    for (size_t i = 0; i < all; i++) {
        const bool first = !*n || !same_problem(p, e[*n - 1].row, e[i].row);
        if (first || e[i].row->cycles < e[*n - 1].row->cycles)
            e[(*n)++] = e[i];
    }
    return e;
}

static bool varies(const struct sweep_plan *p, size_t column)
{
    for (size_t i = 1; i < p->rows.n; i++)
        if (!same_field(&p->rows.at[0], &p->rows.at[i], column))
            return true;
    return false;
}

static void problem_text(const struct sweep_plan *p, const struct sweep_row *r, struct text *out)
{
    for (size_t c = 0; c < p->columns.n; c++) {
        const char *at;
        const int n = (int)field(r->key, c, &at);
        if (!of_problem(p, c) || !n)
            continue;
        if (c < FIRST_SIZE)
            text_addf(out, "%s%.*s", c ? " " : "", n, at);
        else
            text_addf(out, "%s%s=%.*s", c == FIRST_SIZE ? " " : ", ", p->columns.at[c], n, at);
    }
    text_add(out, "\n");
}

/* What varies of variant and machine: names, or a row's values. */
static void varying(const struct sweep_plan *p, const bool *shown, const struct sweep_row *r,
                    struct text *out)
{
    for (size_t c = 0; c + 1 < p->columns.n; c++) {
        if (!shown[c])
            continue;
        const char *at = p->columns.at[c];
        const int width = (int)strlen(at) > 7 ? (int)strlen(at) : 7;
        const int n = r ? (int)field(r->key, c, &at) : (int)strlen(at);
        text_addf(out, "  %*.*s", width, n, at);
    }
    text_add(out, "\n");
}

void sweep_table(const struct sweep_plan *p, struct text *out)
{
    size_t n;
    struct entry *e = front(p, &n);
    bool *shown = calloc(p->columns.n, sizeof *shown);
    if (!e || !shown)
        out->failed = true;
    for (size_t c = 0; shown && c < p->columns.n; c++)
        shown[c] = !of_problem(p, c) && varies(p, c);
    for (size_t i = 0; e && shown && i < n; i++) {
        const struct sweep_row *r = e[i].row;
        if (!i || !same_problem(p, e[i - 1].row, r)) {
            text_add(out, i ? "\n" : "");
            problem_text(p, r, out);
            text_add(out, "      cost    cycles   ratio");
            varying(p, shown, NULL, out);
        }
        text_addf(out, "%10.6g%10" PRIu64, r->cost, r->cycles);
        if (r->bound)
            text_addf(out, "%8.3f", (double)r->cycles / (double)r->bound);
        else
            text_addf(out, "%8s", "-");
        varying(p, shown, r, out);
    }
    free(e);
    free(shown);
}

/* --- JSON --------------------------------------------------------------------- */

static void json_field(struct json_out *j, const char *name, const char *at, size_t n)
{
    char word[64] = "";
    memcpy(word, at, n < sizeof word ? n : sizeof word - 1);
    if (!n)
        json_text(j, name, NULL);
    else if (strspn(word, "0123456789") == n && n < 20)
        json_number(j, name, strtoull(word, NULL, 10));
    else
        json_text(j, name, word);
}

static void json_point(const struct sweep_plan *p, const struct sweep_row *r, struct json_out *j)
{
    json_open(j, NULL, '{');
    for (size_t c = 0; c + 1 < p->columns.n; c++) {
        const char *at;
        const size_t n = field(r->key, c, &at);
        json_field(j, p->columns.at[c], at, n);
    }
    json_decimal(j, "cost", r->cost);
    if (r->correct == SWEEP_NONE)
        json_text(j, "cycles", NULL);
    else
        json_number(j, "cycles", r->cycles);
    if (r->bound) {
        json_number(j, "bound", r->bound);
        json_decimal(j, "ratio", (double)r->cycles / (double)r->bound);
    } else {
        json_text(j, "bound", NULL);
        json_text(j, "ratio", NULL);
    }
    if (r->correct == SWEEP_NONE)
        json_text(j, "correct", NULL);
    else
        json_bool(j, "correct", r->correct == SWEEP_CORRECT);
    json_decimal(j, "seconds", r->seconds);
    json_text(j, "reason", *r->reason ? r->reason : NULL);
    json_close(j, '}');
}

void sweep_json(const struct sweep_plan *p, struct text *out)
{
    struct json_out j = {.text = out};
    size_t n;
    struct entry *e = front(p, &n);
    uint64_t *place = calloc(p->rows.n + 1, sizeof *place); /* among those written, by row */
    if (!e || !place) {
        out->failed = true;
        n = 0;
    }
    json_open(&j, NULL, '{');
    json_open(&j, "columns", '[');
    for (size_t c = 0; c < p->columns.n; c++)
        json_text(&j, NULL, p->columns.at[c]);
    for (unsigned c = 0; c < RESULT_COLUMNS; c++)
        json_text(&j, NULL, result_columns[c]);
    json_close(&j, ']');
    json_open(&j, "points", '[');
    uint64_t written = 0;
    for (size_t i = 0; i < p->rows.n && place; i++) {
        place[i] = written;
        if (!p->rows.at[i].done)
            continue;
        json_point(p, &p->rows.at[i], &j);
        written++;
    }
    json_close(&j, ']');
    json_open(&j, "pareto", '[');
    for (size_t i = 0; i < n; i++)
        json_number(&j, NULL, place[e[i].row - p->rows.at]);
    json_close(&j, ']');
    json_close(&j, '}');
    text_add(out, "\n");
    free(e);
    free(place);
}

/* --- page -------------------------------------------------------------------------------- */

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
