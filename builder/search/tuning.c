/* Tuning records as text:
 *
 *     sheaf-tuning 1
 *     for tree_hash:best values height=10, rounds=16, batch=256
 *     cycles 877
 *     options live_limit=1440 valu_bias=0 flow_bias=2400 ahead=4 const_bias=0
 *     picks 3 012012...            digits, 100 a line at most
 *     keys 3 -12 4 0 7 ...         each less the one before, 20 a line at most
 *     end
 *
 * Biases and keys are in units of SEARCH_UNIT cycles. `picks N` and `keys N` are
 * followed by lines that hold N entries in all.
 */
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "builder/search/search.h"

enum { PICKS_A_LINE = 100, KEYS_A_LINE = 20, MAX_ENTRIES = 1 << 24 };

static long units(float bias)
{
    return lrintf(bias / SEARCH_UNIT);
}

void tuning_write(const struct tuning *t, const char *title, struct text *out)
{
    const struct sched_options *o = &t->options;
    text_addf(out, "sheaf-tuning 1\nfor %s\ncycles %u\n", title, t->cycles);
    text_addf(out, "options live_limit=%u valu_bias=%ld flow_bias=%ld ahead=%ld const_bias=%ld\n",
              o->live_limit, units(o->valu_bias), units(o->flow_bias), units(o->ahead), units(o->const_bias));
    text_addf(out, "picks %zu", t->pick.n);
    for (size_t i = 0; i < t->pick.n; i++)
        text_addf(out, "%s%u", i % PICKS_A_LINE ? "" : "\n", t->pick.at[i]);
    text_addf(out, "\nkeys %zu", t->keys.n);
    int64_t before = 0;
    for (size_t i = 0; i < t->keys.n; i++) {
        text_addf(out, "%s%" PRId64, i % KEYS_A_LINE ? " " : "\n", t->keys.at[i] - before);
        before = t->keys.at[i];
    }
    text_add(out, "\nend\n");
}

/* Reading: a cursor, and the first error. */
struct reader {
    const char *text, *file;
    size_t size, at;
    struct diag *d;
    enum status status;
};

static void wrong(struct reader *r, const char *expected)
{
    if (r->status == ST_OK)
        r->status = diag_at(r->d, r->file, r->text, r->size, r->at, "tuning record: expected %s", expected);
}

/* The words, which may be of several lines. Where they differ, the error is at the line's
 * end or at the beginning of its words. */
static void expect(struct reader *r, const char *words)
{
    size_t i = 0, line = 0;
    if (r->status != ST_OK)
        return;
    for (; words[i] && r->at < r->size && r->text[r->at] == words[i]; i++, r->at++)
        if (words[i] == '\n')
            line = i + 1;
    if (words[i] == '\n') {
        wrong(r, "the end of the line");
    } else if (words[i]) {
        char text[200];
        r->at -= i - line;
        (void)snprintf(text, sizeof text, "%.*s", (int)strcspn(words + line, "\n"), words + line);
        wrong(r, text);
    }
}

static int64_t number(struct reader *r, int64_t low, int64_t high)
{
    const size_t begin = r->at;
    const bool minus = r->at < r->size && r->text[r->at] == '-';
    int64_t value = 0;
    r->at += minus;
    const size_t digits = r->at;
    while (r->at < r->size && r->text[r->at] >= '0' && r->text[r->at] <= '9' && value < INT64_C(1) << 40)
        value = value * 10 + (r->text[r->at++] - '0');
    value = minus ? -value : value;
    /* There is one way to write a number. */
    const bool padded = r->at > digits && r->text[digits] == '0' && (minus || r->at > digits + 1);
    if (r->at == digits || padded || value < low || value > high) {
        char range[80];
        (void)snprintf(range, sizeof range, "a number from %" PRId64 " to %" PRId64, low, high);
        r->at = begin;
        wrong(r, range);
        return low;
    }
    return value;
}

static void skip_line(struct reader *r)
{
    while (r->at < r->size && r->text[r->at] != '\n')
        r->at++;
}

static void read_picks(struct reader *r, struct tuning *t)
{
    expect(r, "picks ");
    const int64_t n = number(r, 0, MAX_ENTRIES);
    for (int64_t i = 0; i < n && r->status == ST_OK; i++) {
        if (i % PICKS_A_LINE == 0)
            expect(r, "\n");
        if (r->at >= r->size || r->text[r->at] < '0' || r->text[r->at] > '9')
            wrong(r, "a digit");
        else if (!vec_push(&t->pick, (uint8_t)(r->text[r->at++] - '0')))
            r->status = diag_set(r->d, ST_NOMEM, "out of memory");
    }
    expect(r, "\n");
}

static void read_keys(struct reader *r, struct tuning *t)
{
    expect(r, "keys ");
    const int64_t n = number(r, 0, MAX_ENTRIES);
    int64_t key = 0;
    for (int64_t i = 0; i < n && r->status == ST_OK; i++) {
        expect(r, i % KEYS_A_LINE ? " " : "\n");
        key += number(r, -INT32_MAX, INT32_MAX);
        if (key < INT32_MIN || key > INT32_MAX)
            wrong(r, "keys that fit 32 bits");
        else if (!vec_push(&t->keys, (int32_t)key))
            r->status = diag_set(r->d, ST_NOMEM, "out of memory");
    }
    expect(r, "\n");
}

static float read_bias(struct reader *r, const char *name)
{
    expect(r, name);
    return (float)number(r, -1000000, 1000000) * SEARCH_UNIT;
}

enum status tuning_read(const char *text, size_t size, const char *file, const char *title, struct tuning *t,
                        struct diag *d)
{
    struct reader r = {.text = text, .file = file, .size = size, .d = d};
    *t = (struct tuning){.cycles = 0};
    expect(&r, "sheaf-tuning 1\nfor ");
    if (title)
        expect(&r, title);
    else
        skip_line(&r);
    expect(&r, "\ncycles ");
    t->cycles = (uint32_t)number(&r, 1, INT32_MAX);
    expect(&r, "\noptions live_limit=");
    t->options.live_limit = (uint32_t)number(&r, 0, INT32_MAX);
    t->options.valu_bias = read_bias(&r, " valu_bias=");
    t->options.flow_bias = read_bias(&r, " flow_bias=");
    t->options.ahead = read_bias(&r, " ahead=");
    t->options.const_bias = read_bias(&r, " const_bias=");
    expect(&r, "\n");
    read_picks(&r, t);
    read_keys(&r, t);
    expect(&r, "end\n");
    if (r.status == ST_OK && r.at != r.size)
        wrong(&r, "nothing after the end");
    if (r.status != ST_OK)
        tuning_free(t);
    return r.status;
}
