/* judge --serve: a request a line, an answer a line. Whatever a line holds, it gets an answer, and the next
 * one is read. Inputs of a seed are kept from one request to the next. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands/judge.h"
#include "tools/report.h"

struct server {
    const struct serve_rules *rules;
    size_t most;  /* bytes of a line */
    char *buffer; /* read from standard input and not yet used: [from, to) */
    size_t capacity, from, to;
    bool ended, no_memory;
    int why;                    /* standard input failed: errno */
    bool started;               /* a line was read */
    struct judge_inputs inputs; /* of `made` */
    struct judge_rules made;
    bool has_inputs;
};

/* --- lines ------------------------------------------------------------------------ */

/* Room for more behind what is there: as much again, at most s->most. False where it has to do. */
static bool make_room(struct server *s)
{
    if (s->from) {
        memmove(s->buffer, s->buffer + s->from, s->to - s->from);
        s->to -= s->from;
        s->from = 0;
    }
    if (s->to < s->capacity)
        return true;
    const size_t capacity = s->capacity > s->most / 2 ? s->most : 2 * s->capacity;
    char *grown = capacity > s->capacity ? realloc(s->buffer, capacity) : NULL;
    s->no_memory = capacity > s->capacity && !grown;
    if (!grown)
        return false;
    s->buffer = grown;
    s->capacity = capacity;
    return true;
}

/* More of the input behind what is there; false at its end, and where it fails. */
static bool read_more(struct server *s)
{
    for (;;) {
        const ssize_t got = read(STDIN_FILENO, s->buffer + s->to, s->capacity - s->to);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            (void)poll(&(struct pollfd){.fd = STDIN_FILENO, .events = POLLIN}, 1, -1);
            continue;
        }
        s->why = got < 0 ? errno : 0;
        s->ended = got <= 0;
        s->to += got > 0 ? (size_t)got : 0;
        return got > 0;
    }
}

/* The next line, without its end; *clipped: it is longer than there may be room for, and this is its start.
 * False at the end of the input. What comes before a failure and is no whole line is no request. */
static bool next_line(struct server *s, const char **line, size_t *size, bool *clipped)
{
    size_t looked = 0;
    *clipped = false;
    for (;;) {
        const size_t there = s->to - s->from;
        const char *start = s->buffer + s->from;
        const char *end = memchr(start + looked, '\n', there - looked);
        looked = there;
        if (!end && !s->ended) {
            *clipped = !make_room(s);
            if (!*clipped) {
                (void)read_more(s);
                continue;
            }
            start = s->buffer;
        }
        if (!end && s->ended && (s->why || !there))
            return false;
        *line = start;
        *size = end ? (size_t)(end - start) : there;
        s->from += *size + (end != NULL);
        return true;
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

/* The program of a request, or the verdict on its text. */
static struct prog *read_program(const struct server *s, const struct request *q, struct judge_result *result)
{
    struct prog *p = NULL;
    struct diag d;
    enum status status;
    if (q->size > s->rules->size_limit)
        status =
            diag_set(&d, ST_LIMIT, "the program is larger than the limit of %zu bytes", s->rules->size_limit);
    else if (q->is_asm)
        status = prog_read_asm(q->program, q->size, "asm", &p, &d);
    else
        status = prog_read_json(q->program, q->size, "program", &p, &d);
    if (status != ST_OK)
        judge_reject(status, &d, result);
    return p;
}

static void judge_request(struct server *s, const struct request *q, struct judge_result *result)
{
    struct prog *p = NULL;
    struct diag d;
    const struct deadline deadline = judge_deadline(&q->rules);
    enum status status = make_inputs(s, &q->rules, &deadline, &d);
    if (status == ST_LIMIT || (q->size <= s->rules->size_limit && q->size > judge_readable(&q->rules))) {
        judge_out_of_time(&q->rules, result);
        return;
    }
    if (status == ST_OK && (p = read_program(s, q, result)))
        status = judge_program(&q->rules, &deadline, &s->inputs, p, result, &d);
    if (status != ST_OK)
        judge_error(&d, result);
    prog_destroy(p);
}

static int answer(const struct request *q, const struct judge_result *result)
{
    struct text t = {0};
    struct json_out j = {.text = &t};
    json_open(&j, NULL, '{');
    text_add(&t, "\"id\": ");
    text_add(&t, q->id.n && text_ok(&q->id) ? q->id.at : "null");
    j.comma = true;
    judge_json(&q->rules, result, &j);
    json_close(&j, '}');
    text_add(&t, "\n");
    return tool_print(&t);
}

static int serve_clipped(const struct server *s, const char *line, size_t size)
{
    struct request q = {.rules = s->rules->judge};
    struct judge_result result = {.verdict = JUDGE_ERROR};
    struct diag d;
    q.rules.kernel = NULL;
    if (s->no_memory)
        judge_reject(diag_set(&d, ST_NOMEM, "out of memory for a request of more than %zu bytes", size), &d,
                     &result);
    else
        judge_reject(diag_set(&d, ST_LIMIT, "a request longer than %zu bytes", size), &d, &result);
    request_find_id(&q, line, size);
    const int status = answer(&q, &result);
    request_free(&q);
    return status;
}

static int serve_line(struct server *s, const char *line, size_t size)
{
    struct request q = {0};
    struct judge_result result = {.verdict = JUDGE_REJECTED};
    struct diag d;
    struct prog *p = NULL;
    switch (request_read(&q, s->rules, line, size, &d)) {
    case REQUEST_FINE: judge_request(s, &q, &result); break;
    case REQUEST_ERROR: judge_error(&d, &result); break;
    case REQUEST_PROGRAM:
        p = read_program(s, &q, &result);
        if (p)
            judge_error(&d, &result);
        prog_destroy(p);
        break;
    }
    const int status = answer(&q, &result);
    request_free(&q);
    return status;
}

static bool is_blank(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
            return false;
    return true;
}

/* A mark of the byte order may begin the input. */
static void skip_mark(struct server *s, const char **line, size_t *size)
{
    static const char mark[] = "\xef\xbb\xbf";
    const size_t length = sizeof mark - 1;
    if (!s->started && *size >= length && memcmp(*line, mark, length) == 0) {
        *line += length;
        *size -= length;
    }
    s->started = true;
}

int judge_serve(const struct serve_rules *rules)
{
    enum { FIRST = 1 << 16, SPARE = 1 << 20 /* for the rest of a request */ };
    struct server s = {.rules = rules, .most = 2 * rules->size_limit + SPARE, .capacity = FIRST};
    const char *line;
    size_t size;
    bool clipped;
    int status = EXIT_FINE;
    s.buffer = calloc(1, s.capacity);
    if (!s.buffer)
        return tool_error("out of memory for requests");
    while (status == EXIT_FINE && next_line(&s, &line, &size, &clipped)) {
        skip_mark(&s, &line, &size);
        if (clipped)
            status = serve_clipped(&s, line, size);
        else if (!is_blank(line, size))
            status = serve_line(&s, line, size);
        if (clipped)
            drop_line(&s);
    }
    if (status == EXIT_FINE && s.why)
        status = tool_error("standard input: %s", strerror(s.why));
    judge_inputs_free(&s.inputs);
    free(s.buffer);
    return status;
}
