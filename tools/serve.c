/* judge --serve: a request a line, an answer a line. A request is a JSON object; all keys but the program
 * may be left out:
 *
 *     {"id": 7, "kernel": "tree_hash", "set": "height=10", "contract": "values", "inputs": 100, "seed": 1,
 *      "strict": false, "cycle_limit": 1000000, "time_limit": 10000, "program": [...]}
 *
 * "program" is as in a file, or "asm" is a string of assembly. Whatever a line holds, it gets an answer,
 * and the next one is read. Inputs of a seed are kept from one request to the next. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/program/json_scan.h"
#include "tools/judge.h"
#include "tools/report.h"

struct server {
    const struct judge_rules *rules; /* where a request does not say */
    size_t size_limit;
    char *buffer; /* read from standard input and not yet used: [from, to) */
    size_t room, from, to;
    bool ended;
    struct judge_inputs inputs; /* of `made` */
    struct judge_rules made;
    bool has_inputs;
};

/* One request, as read. */
struct request {
    struct judge_rules rules;
    struct text id, word, asm_text;
    const char *program; /* in the line */
    size_t size;
    bool is_asm;
};

/* --- lines ------------------------------------------------------------------------ */

/* More of the input behind what is there; false at its end. */
static bool read_more(struct server *s)
{
    if (s->from) {
        memmove(s->buffer, s->buffer + s->from, s->to - s->from);
        s->to -= s->from;
        s->from = 0;
    }
    for (;;) {
        const ssize_t got = read(STDIN_FILENO, s->buffer + s->to, s->room - s->to);
        if (got < 0 && errno == EINTR)
            continue;
        s->ended = got <= 0;
        s->to += got > 0 ? (size_t)got : 0;
        return got > 0;
    }
}

/* The next line, without its end; *clipped: it is longer than the buffer, and this is its start.
 * False at the end of the input. */
static bool next_line(struct server *s, const char **line, size_t *size, bool *clipped)
{
    size_t looked = 0;
    *clipped = false;
    for (;;) {
        const char *start = s->buffer + s->from;
        const char *end = memchr(start + looked, '\n', s->to - s->from - looked);
        looked = s->to - s->from;
        if (end || (s->ended && looked) || looked == s->room) {
            *line = start;
            *size = end ? (size_t)(end - start) : looked;
            *clipped = !end && looked == s->room;
            s->from += *size + (end != NULL);
            return true;
        }
        if (s->ended || (!read_more(s) && s->to == s->from))
            return false;
    }
}

/* Drops the rest of a line that was clipped. */
static void drop_line(struct server *s)
{
    const char *end;
    while (!(end = memchr(s->buffer + s->from, '\n', s->to - s->from))) {
        s->from = s->to = 0;
        if (s->ended || !read_more(s))
            return;
    }
    s->from = (size_t)(end + 1 - s->buffer);
}

/* --- requests --------------------------------------------------------------------- */

/* Passes over a value, whose brackets are matched and nothing else is looked at: its reader will. */
static bool pass_value(struct scan *s, const char **at, size_t *size)
{
    (void)scan_peek(s);
    const size_t start = s->pos;
    size_t i = start, depth = 0;
    bool in_string = false;
    for (; i < s->size; i++) {
        const char c = s->text[i];
        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            depth++;
        } else if ((c == ']' || c == '}') && depth && --depth == 0) {
            i++;
            break;
        } else if (!depth && (c == ',' || c == ']' || c == '}')) {
            break;
        }
    }
    s->pos = i < s->size ? i : s->size;
    *at = s->text + start;
    *size = s->pos - start;
    return *size ? s->status == ST_OK : scan_fail(s, start, "expected a program, found %s", scan_found(s));
}

static bool read_number(struct scan *s, uint64_t high, uint64_t *out)
{
    int64_t value;
    const int64_t most = high < INT64_MAX ? (int64_t)high : INT64_MAX;
    if (!scan_int(s, 0, most, &value, "a whole number"))
        return false;
    *out = (uint64_t)value;
    return true;
}

static bool read_word(struct scan *s, struct request *q)
{
    struct json_token t;
    q->word.n = 0;
    if (!scan_string(s, &t, "a string"))
        return false;
    text_add_n(&q->word, t.at, t.n);
    text_add_n(&q->word, "", 1);
    return text_ok(&q->word) || scan_no_memory(s);
}

static bool read_kernel(struct scan *s, struct request *q)
{
    const size_t at = s->pos;
    if (!read_word(s, q))
        return false;
    const struct kern *k = kern_find(q->word.at, strlen(q->word.at));
    if (!k)
        return scan_fail(s, at, "no kernel `%.40s`", q->word.at);
    if (k != q->rules.kernel) {
        q->rules.kernel = k;
        q->rules.params = kern_defaults(k);
        q->rules.contract = kern_default_contract(k, &q->rules.params);
    }
    return true;
}

static bool read_set(struct scan *s, struct request *q)
{
    const size_t at = s->pos;
    struct diag d;
    if (!read_word(s, q))
        return false;
    if (kern_set(q->rules.kernel, q->word.at, &q->rules.params, &d) != ST_OK)
        return scan_fail(s, at, "%.300s", d.text);
    return true;
}

static bool read_contract(struct scan *s, struct request *q)
{
    const size_t at = s->pos;
    if (!read_word(s, q))
        return false;
    const unsigned c = kern_find_contract(q->rules.kernel, q->word.at);
    if (c >= q->rules.kernel->n_contracts)
        return scan_fail(s, at, "%s has no contract `%.40s`", q->rules.kernel->name, q->word.at);
    q->rules.contract = c;
    return true;
}

static bool read_strict(struct scan *s, struct request *q)
{
    const size_t at = s->pos;
    q->word.n = 0;
    if (!scan_value(s, &q->word))
        return false;
    text_add_n(&q->word, "", 1);
    if (!text_ok(&q->word))
        return scan_no_memory(s);
    q->rules.strict = strcmp(q->word.at, "true") == 0;
    return q->rules.strict || strcmp(q->word.at, "false") == 0 ||
           scan_fail(s, at, "expected true or false, found %.40s", q->word.at);
}

/* The value of one key. */
static bool read_member(struct scan *s, const struct json_token *key, struct request *q)
{
    uint64_t number = 0;
    const struct {
        const char *name;
        bool (*read)(struct scan *, struct request *);
    } readers[] = {
        {"kernel", read_kernel}, {"set", read_set}, {"contract", read_contract}, {"strict", read_strict}};
    for (unsigned i = 0; i < sizeof readers / sizeof *readers; i++)
        if (strlen(readers[i].name) == key->n && memcmp(key->at, readers[i].name, key->n) == 0) {
            (void)scan_peek(s);
            return readers[i].read(s, q);
        }
#define KEY(name) (key->n == sizeof name - 1 && memcmp(key->at, name, key->n) == 0)
    if (KEY("id"))
        return scan_value(s, &q->id);
    if (KEY("program"))
        return pass_value(s, &q->program, &q->size);
    if (KEY("asm")) {
        struct json_token t;
        q->is_asm = true;
        if (!scan_string(s, &t, "assembly in a string"))
            return false;
        text_add_n(&q->asm_text, t.at, t.n);
        return text_ok(&q->asm_text) || scan_no_memory(s);
    }
    if (KEY("inputs")) {
        if (!read_number(s, JUDGE_MAX_INPUTS, &number))
            return false;
        q->rules.inputs = (uint32_t)number;
        return number > 0 || scan_fail(s, s->pos, "expected at least one input");
    }
    if (KEY("seed")) {
        q->rules.seeded = true;
        return read_number(s, INT64_MAX, &q->rules.seed);
    }
    if (KEY("cycle_limit"))
        return read_number(s, INT64_MAX, &q->rules.cycle_limit);
    if (KEY("time_limit"))
        return read_number(s, UINT32_MAX, &q->rules.time_limit);
#undef KEY
    return scan_fail(s, key->offset, "no key `%.*s` in a request", TOKEN(*key));
}

static bool read_request(struct scan *s, struct request *q)
{
    if (!scan_open(s, '{', "a request (an object)"))
        return false;
    for (bool first = true; scan_item(s, '}', &first);) {
        struct json_token key;
        if (!scan_key(s, &key) || !read_member(s, &key, q))
            return false;
    }
    if (!q->program && !q->is_asm)
        return scan_fail(s, 0, "key `program` is missing");
    if (q->program && q->is_asm)
        return scan_fail(s, 0, "expected `program` or `asm`, not both");
    return scan_finish(s);
}

/* --- answers ---------------------------------------------------------------------- */

static bool same_inputs(const struct judge_rules *a, const struct judge_rules *b)
{
    return a->kernel == b->kernel && memcmp(&a->params, &b->params, sizeof a->params) == 0 &&
           a->contract == b->contract && a->inputs == b->inputs && a->seeded && b->seeded &&
           a->seed == b->seed;
}

static enum status make_inputs(struct server *s, const struct judge_rules *r, const struct deadline *deadline,
                               struct diag *d)
{
    if (s->has_inputs && same_inputs(&s->made, r))
        return ST_OK;
    judge_inputs_free(&s->inputs);
    s->made = *r;
    const enum status status = judge_inputs_create(r, deadline, &s->inputs, d);
    s->has_inputs = status == ST_OK;
    if (status != ST_OK)
        judge_inputs_free(&s->inputs);
    return status;
}

static void judge_request(struct server *s, const struct request *q, struct judge_result *result)
{
    struct prog *p = NULL;
    struct diag d;
    const struct deadline deadline = judge_deadline(&q->rules);
    enum status status = make_inputs(s, &q->rules, &deadline, &d);
    if (status == ST_LIMIT || (q->is_asm ? q->asm_text.n : q->size) > judge_readable(&q->rules)) {
        judge_out_of_time(&q->rules, result);
        return;
    }
    if (status == ST_OK)
        status = q->is_asm ? prog_read_asm(q->asm_text.at ? q->asm_text.at : "", q->asm_text.n, "asm", &p, &d)
                           : prog_read_json(q->program, q->size, "program", &p, &d);
    if (status == ST_OK)
        status = judge_program(&q->rules, &deadline, &s->inputs, p, result, &d);
    if (status != ST_OK)
        judge_reject(status, &d, result);
    prog_destroy(p);
}

static int answer(const struct request *q, const struct judge_result *result)
{
    struct text t = {0};
    struct json_out j = {.text = &t};
    json_open(&j, NULL, '{');
    if (q->id.n && text_ok(&q->id)) {
        text_add(&t, "\"id\": ");
        text_add_n(&t, q->id.at, q->id.n);
        j.comma = true;
    } else {
        json_text(&j, "id", NULL);
    }
    judge_json(&q->rules, result, &j);
    json_close(&j, '}');
    text_add(&t, "\n");
    return tool_print(&t);
}

static int serve_line(struct server *s, const char *line, size_t size, bool clipped)
{
    struct request q = {.rules = *s->rules};
    struct judge_result result = {.verdict = JUDGE_REJECTED};
    struct scan scan;
    struct diag d;
    scan_begin(&scan, line, size, "request", &d);
    if (clipped) {
        (void)diag_set(&d, ST_LIMIT, "a request longer than %zu bytes", s->room);
        judge_reject(ST_LIMIT, &d, &result);
    } else if (read_request(&scan, &q)) {
        judge_request(s, &q, &result);
    } else {
        judge_reject(scan.status, &d, &result);
    }
    scan_end(&scan);
    const int status = answer(&q, &result);
    text_free(&q.id);
    text_free(&q.word);
    text_free(&q.asm_text);
    return status;
}

static bool is_blank(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
            return false;
    return true;
}

int judge_serve(const struct judge_rules *rules, size_t size_limit)
{
    enum { SPARE = 4096 }; /* for the rest of a request */
    struct server s = {.rules = rules, .room = size_limit + SPARE};
    const char *line;
    size_t size;
    bool clipped;
    int status = EXIT_FINE;
    s.buffer = calloc(1, s.room);
    if (!s.buffer)
        return tool_error("out of memory for requests of %zu bytes", s.room);
    while (status == EXIT_FINE && next_line(&s, &line, &size, &clipped)) {
        if (!is_blank(line, size) || clipped)
            status = serve_line(&s, line, size, clipped);
        if (clipped)
            drop_line(&s);
    }
    judge_inputs_free(&s.inputs);
    free(s.buffer);
    return status;
}
