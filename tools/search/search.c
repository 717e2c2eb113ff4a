/* sheaf search: an anytime search whose best result is always in the record. Workers do it in
 * units (plan.h); here is what is kept, shown and reported. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/clock.h"
#include "tools/commands/commands.h"
#include "tools/report.h"
#include "tools/search/plan.h"
#include "tools/session/job.h"

struct search {
    struct job job;
    struct kern_request rq;
    struct pool pool;
    struct search_plan plan;
    struct text title;
    const char *record; /* NULL: nothing is kept */
    struct text part;   /* beside it: how far the search is */
    uint64_t before;    /* evaluations of runs before this one */
    bool fresh;
    double there; /* the cost of what the record held; INFINITY: it was not there */
    double kept;  /* the cost of what it holds */
    struct tuning best;
    struct bound bound; /* of `best` */
    double known;       /* the cost that `bound` is of */
    double begun, shown_at, logged_at, saved_at;
    FILE *log; /* NULL: none */
    bool shown, interrupted;
    enum status status; /* of a result, or of writing the record */
    struct diag why;
};

/* --- interruption ------------------------------------------------------------ */

/* SIGINT and SIGTERM are held back from here on, and asked for. */
static sigset_t ends(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    return set;
}

static bool stopped(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

/* --- what is kept ------------------------------------------------------------ */

/* Brings bound and record up to the best result, which replaces what costs more than
 * `than`. False with the status set. */
static bool keep(struct search *s, double than)
{
    if (s->status != ST_OK)
        return false;
    if (!s->best.cycles)
        return true;
    if (s->best.cost != s->known)
        s->status = tuned_check(s->job.variant, &s->rq, &s->best, &s->bound, &s->why);
    s->known = s->best.cost;
    if (s->status == ST_OK && s->record && s->best.cost < than) {
        s->status = tuned_save(s->record, s->title.at, &s->best, &s->why);
        s->kept = s->best.cost;
    }
    return s->status == ST_OK;
}

/* What is found first is kept at once; of equals the plan's is the one that remains. */
static bool keep_last(struct search *s)
{
    const struct tuning *best = search_plan_best(&s->plan);
    const bool all = s->plan.merged == s->plan.units, news = s->plan.history.at[s->plan.history.n - 1].after;
    if (s->status != ST_OK || !all || !news)
        return keep(s, s->kept);
    tuning_free(&s->best);
    if (!tuning_copy(&s->best, best)) {
        s->status = diag_set(&s->why, ST_NOMEM, "out of memory for the result");
        return false;
    }
    s->known = INFINITY;
    return keep(s, s->there);
}

/* A few times a second, and at the end. False with the status set. */
static bool keep_part(struct search *s, bool now_too)
{
    const double often = 0.2;
    if (s->status != ST_OK || !s->record || (!now_too && clock_now() < s->saved_at + often))
        return s->status == ST_OK;
    if (s->plan.merged < s->plan.units)
        s->status = search_plan_save(&s->plan, s->part.at, s->fresh, s->there, &s->why);
    else
        (void)unlink(s->part.at);
    s->saved_at = clock_now();
    return s->status == ST_OK;
}

/* --- how it goes ------------------------------------------------------------- */

static double ratio(const struct search *s)
{
    return s->bound.cycles ? (double)s->best.cycles / s->bound.cycles : 1;
}

static double seconds(const struct search *s)
{
    return clock_now() - s->begun;
}

static double speed(const struct search *s)
{
    return (double)(search_plan_evaluations(&s->plan) - s->before) / seconds(s);
}

static void show(struct search *s)
{
    const double often = 0.2, at = seconds(s);
    if (s->shown && at < s->shown_at + often)
        return;
    s->shown = true;
    s->shown_at = at;
    (void)fputc('\r', stderr);
    if (s->best.cycles)
        (void)fprintf(stderr, "%u cycles, bound %u (%.3f times); ", s->best.cycles, s->bound.cycles,
                      ratio(s));
    (void)fprintf(stderr, "%" PRIu64 " of %" PRIu64 ", %.0f a second, %u workers, %.0f s\033[K",
                  search_plan_evaluations(&s->plan), s->plan.evaluations, speed(s), s->pool.workers, at);
    (void)fflush(stderr);
}

/* A line of the log: now and then, and when something is found. */
static void note(struct search *s, bool news)
{
    const double often = 0.5, at = seconds(s);
    if (!s->log || (!news && at < s->logged_at + often))
        return;
    s->logged_at = at;
    (void)fprintf(s->log, "%.3f,%" PRIu64 ",%.1f,", at, search_plan_evaluations(&s->plan), speed(s));
    if (s->best.cycles)
        (void)fprintf(s->log, "%u,%u", s->best.cycles, s->bound.cycles);
    else
        (void)fputc(',', s->log);
    (void)fprintf(s->log, ",%u,%" PRIu64 "\n", s->pool.workers, s->pool.lost);
    (void)fflush(s->log);
}

static int open_log(struct search *s, const char *path)
{
    if (!path)
        return EXIT_FINE;
    s->log = fopen(path, "w");
    if (!s->log)
        return tool_error("%s: %s", path, strerror(errno));
    (void)fputs("seconds,evaluations,evaluations_per_second,cycles,bound,workers,lost\n", s->log);
    return EXIT_FINE;
}

static int close_log(struct search *s, const char *path)
{
    if (!s->log)
        return EXIT_FINE;
    const bool failed = ferror(s->log) != 0, left = fclose(s->log) != 0;
    return failed || left ? tool_error("%s: the log could not be written", path) : EXIT_FINE;
}

/* --- the pool's calls -------------------------------------------------------- */

static enum pool_next next(void *context, uint64_t *unit, struct text *request)
{
    struct search *s = context;
    return search_plan_next(&s->plan, s->best.cycles ? s->best.cost : INFINITY, unit, request);
}

static bool take(void *context, const struct pool_message *r)
{
    struct search *s = context;
    struct tuning found;
    s->status = search_plan_take(&s->plan, r, &found, &s->why);
    const bool news = found.cycles && (!s->best.cycles || found.cost < s->best.cost);
    if (news) {
        tuning_free(&s->best);
        s->best = found;
    } else {
        tuning_free(&found);
    }
    const bool good = keep(s, s->kept) && (!r->last || keep_part(s, false));
    note(s, news);
    return good;
}

static bool abandon(void *context, uint64_t unit)
{
    struct search *s = context;
    s->status =
        diag_set(&s->why, ST_LIMIT, "unit %" PRIu64 " of the search ended %d workers, out of memory perhaps",
                 unit, POOL_TRIES);
    return false;
}

static bool go_on(void *context)
{
    struct search *s = context;
    note(s, false);
    if (isatty(STDERR_FILENO))
        show(s);
    return !stopped();
}

static void work(void *context, const struct pool_message *request, struct pool_channel *channel,
                 struct text *result)
{
    search_plan_work(&((struct search *)context)->plan, request, channel, result);
}

/* --- where to start ---------------------------------------------------------- */

/* A record that programs come of. */
static int load(struct search *s, const char *path, struct tuning *t, struct bound *bound)
{
    struct diag d, why;
    enum status status = tuned_load(path, s->title.at, t, &d);
    if (status == ST_OK) {
        status = tuned_check(s->job.variant, &s->rq, t, bound, &why);
        if (status != ST_OK)
            (void)diag_set(&d, status, "%s: %s", path, why.text);
    }
    return status == ST_OK ? EXIT_FINE : tool_diag(&d);
}

static int load_built_in(struct search *s)
{
    struct diag d;
    if (tuned_record(s->title.at, &s->best, &d) == ST_OK &&
        (!s->best.cycles || tuned_check(s->job.variant, &s->rq, &s->best, &s->bound, &d) == ST_OK))
        return EXIT_FINE;
    return tool_diag(&d);
}

/* From --from, or the record that is there, or the one built in. A record that is
 * there gives way to nothing that is not better. */
static int start(struct search *s, const struct options *o)
{
    const char *from = opt_text(o, OPT_FROM);
    struct stat file;
    const bool there = s->record && stat(s->record, &file) == 0, fresh = opt_given(o, OPT_FRESH);
    s->fresh = fresh;
    if (from && fresh)
        return tool_error("expected --from or --fresh, not both");
    if (there && !S_ISREG(file.st_mode))
        return tool_error("%s: not a regular file", s->record);
    struct tuning old = {.cycles = 0};
    struct bound bound = {0};
    int status = there ? load(s, s->record, &old, &bound) : EXIT_FINE;
    s->there = s->kept = there ? old.cost : INFINITY;
    if (status == EXIT_FINE && from) {
        status = load(s, from, &s->best, &s->bound);
    } else if (status == EXIT_FINE && there && !fresh) {
        s->best = old;
        s->bound = bound;
        old = (struct tuning){.cycles = 0};
    } else if (status == EXIT_FINE && !fresh) {
        status = load_built_in(s);
    }
    s->known = s->best.cycles ? s->best.cost : INFINITY;
    tuning_free(&old);
    return status;
}

/* The same search, ended before it was done, goes on where it was. */
static int take_up(struct search *s)
{
    struct diag d;
    bool found;
    if (!s->record)
        return EXIT_FINE;
    text_addf(&s->part, "%s.part", s->record);
    if (!text_ok(&s->part))
        return tool_error("out of memory");
    if (access(s->part.at, F_OK) != 0)
        return EXIT_FINE;
    if (search_plan_load(&s->plan, s->part.at, s->fresh, &s->there, &found, &d) != ST_OK)
        return tool_diag(&d);
    s->before = s->plan.searched;
    if (found && !s->best.cycles && !tuning_copy(&s->best, search_plan_best(&s->plan)))
        return tool_error("out of memory");
    return EXIT_FINE;
}

/* What there is to search for, which every rank has to know. */
static int prepare(struct search *s, const struct options *o)
{
    enum { DEFAULT_EVALUATIONS = 20000 };
    struct diag d;
    s->record = opt_text(o, OPT_OUTPUT);
    if (s->record && strcmp(s->record, "-") == 0)
        return tool_error("-o -: a record is a file");
    int status = job_kernel(&s->job, o, o->operands[0], true);
    if (status == EXIT_FINE)
        status = job_request(&s->job, o, &s->rq);
    if (status == EXIT_FINE &&
        !opt_number(o, OPT_EVALS, INT64_MAX, DEFAULT_EVALUATIONS, &s->plan.evaluations))
        status = EXIT_USAGE;
    if (status != EXIT_FINE)
        return status;
    const struct kern *k = s->job.kernel;
    const char *why = k->validate(&s->job.params, s->job.contract);
    if (why)
        return tool_error("%s: %s", k->name, why);
    if (!s->plan.evaluations)
        return tool_error("--evals 0: expected at least 1");
    tuned_title(k, s->job.variant, &s->rq, &s->title);
    if (!text_ok(&s->title))
        return tool_error("out of memory");
    s->plan.seed = s->job.seed;
    s->plan.variant = s->job.variant;
    s->plan.rq = &s->rq;
    s->plan.title = s->title.at;
    if (tuned_searchable(s->job.variant, &s->rq, &d) != ST_OK)
        return tool_error("%s:%s: %s", k->name, s->job.variant->name, d.text);
    return EXIT_FINE;
}

/* --- the report -------------------------------------------------------------- */

static void print_text(const struct search *s, struct text *t)
{
    job_text(&s->job, t);
    if (s->best.cycles) {
        text_addf(t, "cycles     %u\n", s->best.cycles);
        text_bound(t, &s->bound, s->best.cycles);
    } else {
        text_add(t, "cycles     none found that fits the machine\n");
    }
    text_addf(t, "searched   %" PRIu64 " of %" PRIu64 " schedules, seed %" PRIu64 "%s\n",
              search_plan_evaluations(&s->plan), s->plan.evaluations, s->plan.seed,
              s->interrupted ? "; interrupted" : "");
    text_addf(t, "speed      %.1f schedules a second, %u workers, %.1f s\n", speed(s), s->pool.workers,
              seconds(s));
    if (s->record && s->kept < INFINITY)
        text_addf(t, "record     %s%s\n", s->record,
                  s->best.cycles && s->best.cost <= s->kept ? "" : ", which holds a better one");
}

static void print_json(const struct search *s, struct text *t)
{
    struct json_out j = {.text = t};
    json_open(&j, NULL, '{');
    job_json(&s->job, &j);
    json_number(&j, "seed", s->plan.seed);
    if (s->best.cycles)
        json_number(&j, "cycles", s->best.cycles);
    else
        json_text(&j, "cycles", NULL);
    json_bound(&j, &s->bound, s->best.cycles);
    json_number(&j, "evaluations", search_plan_evaluations(&s->plan));
    json_number(&j, "budget", s->plan.evaluations);
    json_decimal(&j, "seconds", seconds(s));
    json_number(&j, "workers", s->pool.workers);
    json_number(&j, "lost", s->pool.lost);
    json_number(&j, "messages", s->pool.messages);
    json_number(&j, "bytes", s->pool.bytes);
    json_bool(&j, "interrupted", s->interrupted);
    json_text(&j, "record", s->kept < INFINITY ? s->record : NULL);
    json_close(&j, '}');
    text_add(t, "\n");
}

static int report(const struct search *s, const struct options *o)
{
    struct text t = {0};
    if (opt_given(o, OPT_JSON))
        print_json(s, &t);
    else
        print_text(s, &t);
    const int status = tool_print(&t);
    return status != EXIT_FINE || s->best.cycles || s->interrupted ? status : EXIT_FAILED;
}

/* A start that is no record yet becomes one before the search, what was found last
 * after it, whatever ended it. */
static int go(struct search *s, const struct options *o)
{
    const struct pool_plan plan = {s, next, take, abandon, go_on, work};
    const sigset_t set = ends();
    struct diag d;
    if (!s->pool.leads)
        return pool_run(&s->pool, &plan, &d) == ST_OK ? EXIT_FINE : EXIT_USAGE;
    int code = start(s, o);
    if (code == EXIT_FINE)
        code = open_log(s, opt_text(o, OPT_LOG));
    if (code != EXIT_FINE)
        return code;
    if (!search_plan_start(&s->plan, &s->best))
        return tool_error("out of memory");
    code = take_up(s);
    if (code != EXIT_FINE)
        return code;
    if (!keep(s, s->kept) || !keep_part(s, true))
        return tool_diag(&s->why);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    s->begun = clock_now();
    const enum status status = pool_run(&s->pool, &plan, &d);
    s->interrupted = stopped() && s->plan.merged < s->plan.units;
    (void)(keep_last(s) && keep_part(s, true));
    note(s, true);
    if (s->shown)
        (void)fputs("\r\033[K", stderr);
    if (s->status != ST_OK)
        return tool_diag(&s->why);
    return status == ST_OK ? report(s, o) : tool_diag(&d);
}

static int search(const struct options *o)
{
    struct search s = {.kept = INFINITY, .known = INFINITY};
    struct diag d;
    uint64_t workers;
    int status = job_workers(o, &workers) ? EXIT_FINE : EXIT_USAGE;
    if (status != EXIT_FINE)
        return status;
    if (pool_open(&s.pool, (unsigned)workers, &d) != ST_OK)
        return tool_diag(&d);
    const bool leads = s.pool.leads;
    status = prepare(&s, o);
    if (status == EXIT_FINE)
        status = go(&s, o);
    pool_close(&s.pool);
    const int log = close_log(&s, opt_text(o, OPT_LOG));
    search_plan_free(&s.plan);
    tuning_free(&s.best);
    text_free(&s.title);
    text_free(&s.part);
    job_free(&s.job);
    /* What went wrong is the coordinator's to say. */
    return !leads ? EXIT_FINE : status == EXIT_FINE ? log : status;
}

const struct command command_search = {
    .name = "search",
    .operands = "KERNEL[:VARIANT]",
    .doc = "look for a better schedule and keep it in a tuning record (-o FILE), from which it goes on",
    .min_operands = 1,
    .max_operands = 1,
    .options = OPT(SET) | OPT(SEED) | OPT(CONTRACT) | OPT(MACHINE) | OPT(SCRATCH) | OPT(EVALS) | OPT(JOBS) |
               OPT(FROM) | OPT(FRESH) | OPT(LOG) | OPT(OUTPUT) | OPT(JSON),
    .run = search,
};
