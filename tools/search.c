/* sheaf search: an anytime search whose best result is always in the record. */
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/commands.h"
#include "tools/job.h"
#include "tools/report.h"

struct search {
    struct job job;
    struct kern_request rq;
    struct search_options options;
    struct text title;
    const char *record; /* NULL: nothing is kept */
    double kept;        /* the cost of what the record holds; INFINITY: it is not there */
    struct tuning best;
    struct bound bound; /* of `best` */
    double known;       /* the cost that `bound` is of */
    struct search_progress last;
    bool shown, interrupted;
    double shown_at;
    enum status status; /* of writing the record */
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

static bool stopped(void *context)
{
    (void)context;
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

/* --- what is kept ------------------------------------------------------------ */

/* Brings bound and record up to the best result. False with the status set. */
static bool keep(struct search *s)
{
    if (s->status != ST_OK)
        return false;
    if (!s->best.cycles)
        return true;
    if (s->best.cost != s->known)
        s->status = tuned_check(s->job.variant, &s->rq, &s->best, &s->bound, &s->why);
    s->known = s->best.cost;
    if (s->status == ST_OK && s->record && s->best.cost < s->kept) {
        s->status = tuned_save(s->record, s->title.at, &s->best, &s->why);
        s->kept = s->best.cost;
    }
    return s->status == ST_OK;
}

static double ratio(const struct search *s)
{
    return s->bound.cycles ? (double)s->best.cycles / s->bound.cycles : 1;
}

static double speed(const struct search *s)
{
    return s->last.seconds > 0 ? (double)s->last.evaluations / s->last.seconds : 0;
}

static void show(struct search *s)
{
    enum { SHOWN_A_SECOND = 5 };
    if (s->shown && s->last.seconds < s->shown_at + 1.0 / SHOWN_A_SECOND)
        return;
    s->shown = true;
    s->shown_at = s->last.seconds;
    (void)fputc('\r', stderr);
    if (s->best.cycles)
        (void)fprintf(stderr, "%u cycles, bound %u (%.3f times); ", s->best.cycles, s->bound.cycles,
                      ratio(s));
    (void)fprintf(stderr, "%" PRIu64 " of %" PRIu64 ", %.0f a second, %.0f s\033[K", s->last.evaluations,
                  s->last.budget, speed(s), s->last.seconds);
    (void)fflush(stderr);
}

static bool progress(void *context, const struct search_progress *p)
{
    struct search *s = context;
    s->last = *p;
    const bool good = keep(s);
    if (good && isatty(STDERR_FILENO))
        show(s);
    return good;
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
    if (from && fresh)
        return tool_error("expected --from or --fresh, not both");
    if (there && !S_ISREG(file.st_mode))
        return tool_error("%s: not a regular file", s->record);
    struct tuning old = {.cycles = 0};
    struct bound bound = {0};
    int status = there ? load(s, s->record, &old, &bound) : EXIT_FINE;
    s->kept = there ? old.cost : INFINITY;
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

static int prepare(struct search *s, const struct options *o)
{
    enum { DEFAULT_EVALUATIONS = 20000 };
    const struct kern *k;
    struct diag d;
    s->record = opt_text(o, OPT_OUTPUT);
    if (s->record && strcmp(s->record, "-") == 0)
        return tool_error("-o -: a record is a file");
    s->options = search_default_options();
    int status = job_kernel(&s->job, o, o->operands[0], true);
    if (status == EXIT_FINE)
        status = job_request(&s->job, o, &s->rq);
    if (status == EXIT_FINE &&
        !opt_number(o, OPT_EVALS, INT64_MAX, DEFAULT_EVALUATIONS, &s->options.evaluations))
        status = EXIT_USAGE;
    if (status != EXIT_FINE)
        return status;
    k = s->job.kernel;
    const char *problem = k->problem(&s->job.params, s->job.contract);
    if (problem)
        return tool_error("%s: %s", k->name, problem);
    if (!s->options.evaluations)
        return tool_error("--evals 0: expected at least 1");
    if (s->options.islands > s->options.evaluations)
        s->options.islands = (unsigned)s->options.evaluations;
    s->options.seed = s->job.seed;
    s->options.threads = s->rq.threads ? s->rq.threads : 1;
    tuned_title(k, s->job.variant, &s->rq, &s->title);
    if (!text_ok(&s->title))
        return tool_error("out of memory");
    if (tuned_searchable(s->job.variant, &s->rq, &d) != ST_OK)
        return tool_error("%s:%s: %s", k->name, s->job.variant->name, d.text);
    return start(s, o);
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
    text_addf(t, "searched   %" PRIu64 " of %" PRIu64 " schedules, seed %" PRIu64 "%s\n", s->last.evaluations,
              s->options.evaluations, s->options.seed, s->interrupted ? "; interrupted" : "");
    text_addf(t, "speed      %.1f schedules a second, %.1f s\n", speed(s), s->last.seconds);
    if (s->record && s->kept < INFINITY)
        text_addf(t, "record     %s%s\n", s->record,
                  s->best.cycles && s->best.cost <= s->kept ? "" : ", which holds a better one");
}

static void print_json(const struct search *s, struct text *t)
{
    struct json_out j = {.text = t};
    json_open(&j, NULL, '{');
    job_json(&s->job, &j);
    json_number(&j, "seed", s->options.seed);
    if (s->best.cycles)
        json_number(&j, "cycles", s->best.cycles);
    else
        json_text(&j, "cycles", NULL);
    json_bound(&j, &s->bound, s->best.cycles);
    json_number(&j, "evaluations", s->last.evaluations);
    json_number(&j, "budget", s->options.evaluations);
    json_decimal(&j, "seconds", s->last.seconds);
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
    const struct tuned_watch watch = {progress, stopped, s};
    const sigset_t set = ends();
    struct diag d;
    if (!keep(s))
        return tool_diag(&s->why);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    const enum status status = tuned_search(s->job.variant, &s->rq, &s->options, &watch, &s->best, &d);
    s->interrupted = stopped(NULL) && s->last.evaluations < s->options.evaluations;
    (void)keep(s);
    if (s->shown)
        (void)fputs("\r\033[K", stderr);
    if (s->status != ST_OK)
        return tool_diag(&s->why);
    return status == ST_OK ? report(s, o) : tool_diag(&d);
}

static int search(const struct options *o)
{
    struct search s = {.kept = INFINITY, .known = INFINITY};
    int status = prepare(&s, o);
    if (status == EXIT_FINE)
        status = go(&s, o);
    tuning_free(&s.best);
    text_free(&s.title);
    job_free(&s.job);
    return status;
}

const struct command command_search = {
    .name = "search",
    .operands = "KERNEL[:VARIANT]",
    .doc = "look for a better schedule and keep it in a tuning record (-o FILE), from which it goes on",
    .min_operands = 1,
    .max_operands = 1,
    .options = OPT(SET) | OPT(SEED) | OPT(CONTRACT) | OPT(MACHINE) | OPT(SCRATCH) | OPT(EVALS) | OPT(JOBS) |
               OPT(FROM) | OPT(FRESH) | OPT(OUTPUT) | OPT(JSON),
    .run = search,
};
