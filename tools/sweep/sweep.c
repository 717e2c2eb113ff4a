/* sheaf sweep: many machines, sizes and variants, each built, run and checked. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/clock.h"
#include "sim/base/file.h"
#include "tools/commands/commands.h"
#include "tools/sweep/out.h"

struct sweep {
    struct sweep_plan plan;
    struct pool pool;
    size_t next;                   /* row */
    uint64_t done, fresh;          /* rows, and those of this run */
    const char *csv, *json, *html; /* NULL: not wanted */
    double begun, saved_at, shown_at;
    bool shown, failed; /* an error was printed */
};

static bool stopped(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

/* --- files -------------------------------------------------------------------- */

static bool ends_in(const char *path, const char *ending)
{
    const size_t n = strlen(path), m = strlen(ending);
    return n >= m && strcmp(path + n - m, ending) == 0;
}

static int choose_files(struct sweep *s, const struct options *o)
{
    for (size_t i = 0; i < o->given.n; i++) {
        const char *path = o->given.at[i].text;
        if (o->given.at[i].id != OPT_OUTPUT)
            continue;
        const char **file = ends_in(path, ".csv")    ? &s->csv
                            : ends_in(path, ".json") ? &s->json
                            : ends_in(path, ".html") ? &s->html
                                                     : NULL;
        if (!file || *file)
            return tool_error("-o %s: expected a .csv, a .json and an .html file, one of each at most", path);
        *file = path;
    }
    return EXIT_FINE;
}

/* What an earlier run of this sweep has done already. */
static int resume(struct sweep *s)
{
    enum { MAX_FILE = 256 << 20 };
    struct diag d;
    struct stat file;
    char *text;
    size_t size;
    if (!s->csv || (stat(s->csv, &file) != 0 && errno == ENOENT))
        return EXIT_FINE;
    if (file_read_text(s->csv, MAX_FILE, &text, &size, &d) != ST_OK)
        return tool_diag(&d);
    const int status = sweep_csv_read(&s->plan, s->csv, text);
    free(text);
    for (size_t i = 0; i < s->plan.rows.n; i++)
        s->done += s->plan.rows.at[i].done;
    return status;
}

static bool save(struct sweep *s, const char *path, void (*write)(const struct sweep_plan *, struct text *))
{
    struct text t = {0};
    struct diag d;
    if (!path || s->failed)
        return !s->failed;
    write(&s->plan, &t);
    const enum status status = text_ok(&t) ? file_replace(path, t.at, t.n, &d)
                                           : diag_set(&d, ST_NOMEM, "out of memory for %s", path);
    text_free(&t);
    s->failed = status != ST_OK;
    if (s->failed)
        (void)tool_diag(&d);
    return !s->failed;
}

/* --- the pool's calls --------------------------------------------------------- */

static enum pool_next next(void *context, uint64_t *unit, struct text *request)
{
    struct sweep *s = context;
    (void)request;
    while (s->next < s->plan.rows.n && s->plan.rows.at[s->next].done)
        s->next++;
    if (s->next == s->plan.rows.n)
        return POOL_END;
    *unit = s->next++;
    return POOL_UNIT;
}

static bool take(void *context, const struct pool_message *r)
{
    const double often = 1;
    struct sweep *s = context;
    if (r->unit >= s->plan.rows.n || !sweep_row_read(&s->plan, &s->plan.rows.at[r->unit], r->data, r->n)) {
        (void)tool_error("a worker's result makes no sense, or there is no memory for it");
        s->failed = true;
        return false;
    }
    s->done++;
    s->fresh++;
    if (clock_now() < s->saved_at + often)
        return true;
    const bool good = save(s, s->csv, sweep_csv);
    s->saved_at = clock_now();
    return good;
}

static bool abandon(void *context, uint64_t unit)
{
    struct text t = {0};
    sweep_no_result("the workers that built it came to an end, out of memory perhaps", 0, &t);
    const bool good = text_ok(&t) && take(context, &(struct pool_message){unit, true, t.at, t.n});
    text_free(&t);
    return good;
}

static bool go_on(void *context)
{
    const double often = 0.2;
    struct sweep *s = context;
    const double at = clock_now() - s->begun;
    if (isatty(STDERR_FILENO) && (!s->shown || at >= s->shown_at + often)) {
        s->shown = true;
        s->shown_at = at;
        (void)fprintf(stderr, "\r%" PRIu64 " of %zu points, %.1f a second, %u workers, %.0f s\033[K", s->done,
                      s->plan.rows.n, (double)s->fresh / at, s->pool.workers, at);
        (void)fflush(stderr);
    }
    return !stopped();
}

static void work(void *context, const struct pool_message *request, struct pool_channel *channel,
                 struct text *result)
{
    const struct sweep_plan *p = &((struct sweep *)context)->plan;
    (void)channel;
    const struct sweep_point x = sweep_point_at(p, p->rows.at[request->unit].index);
    sweep_point_run(p, &x, result);
}

/* --- all of it ---------------------------------------------------------------- */

static int report(const struct sweep *s, const struct options *o)
{
    struct text t = {0};
    uint64_t wrong = 0, without = 0;
    for (size_t i = 0; i < s->plan.rows.n; i++) {
        wrong += s->plan.rows.at[i].correct == SWEEP_WRONG;
        without += s->plan.rows.at[i].done && s->plan.rows.at[i].correct == SWEEP_NONE;
    }
    if (opt_given(o, OPT_JSON)) {
        sweep_json(&s->plan, &t);
    } else {
        sweep_table(&s->plan, &t);
        text_addf(&t,
                  "%spoints     %" PRIu64 " of %zu, %" PRIu64 " in this run; %" PRIu64 " do not fit, %" PRIu64
                  " wrong%s\n",
                  t.n ? "\n" : "", s->done, s->plan.rows.n, s->fresh, without, wrong,
                  s->done < s->plan.rows.n ? "; interrupted" : "");
        text_addf(&t, "time       %.1f s, %u workers\n", clock_now() - s->begun, s->pool.workers);
    }
    const int status = tool_print(&t);
    return status == EXIT_FINE && wrong ? EXIT_FAILED : status;
}

static int go(struct sweep *s, const struct options *o)
{
    const struct pool_plan plan = {s, next, take, abandon, go_on, work};
    struct diag d;
    sigset_t set;
    if (!s->pool.leads)
        return pool_run(&s->pool, &plan, &d) == ST_OK ? EXIT_FINE : EXIT_USAGE;
    int code = choose_files(s, o);
    if (code == EXIT_FINE)
        code = resume(s);
    /* A file that cannot be written is better known before the work. */
    if (code == EXIT_FINE && !save(s, s->csv, sweep_csv))
        code = EXIT_USAGE;
    if (code != EXIT_FINE)
        return code;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    s->begun = clock_now();
    const enum status status = pool_run(&s->pool, &plan, &d);
    if (s->shown)
        (void)fputs("\r\033[K", stderr);
    const bool saved =
        save(s, s->csv, sweep_csv) && save(s, s->json, sweep_json) && save(s, s->html, sweep_html);
    if (status != ST_OK)
        return s->failed ? EXIT_USAGE : tool_diag(&d);
    return saved ? report(s, o) : EXIT_USAGE;
}

static int sweep(const struct options *o)
{
    struct sweep s = {.next = 0};
    struct diag d;
    uint64_t workers;
    if (!job_workers(o, &workers))
        return EXIT_USAGE;
    if (pool_open(&s.pool, (unsigned)workers, &d) != ST_OK)
        return tool_diag(&d);
    const bool leads = s.pool.leads;
    int status = sweep_plan_make(&s.plan, o);
    if (status == EXIT_FINE)
        status = go(&s, o);
    pool_close(&s.pool);
    sweep_plan_free(&s.plan);
    return leads ? status : EXIT_FINE;
}

const struct command command_sweep = {
    .name = "sweep",
    .operands = "KERNEL[:VARIANT,...]...",
    .doc =
        "build and run kernels on a grid of machines and sizes: cycles against hardware cost (-o FILE.csv, "
        ".json, .html)",
    .min_operands = 1,
    .max_operands = 64,
    .options = OPT(GRID) | OPT(SET_GRID) | OPT(SET) | OPT(MACHINE) | OPT(CORES) | OPT(SCRATCH) |
               OPT(CONTRACT) | OPT(SAMPLE) | OPT(SEED) | OPT(EFFORT) | OPT(JOBS) | OPT(COST) | OPT(OUTPUT) |
               OPT(JSON),
    .run = sweep,
};
