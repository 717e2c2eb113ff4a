/* Work beyond one process: units, handed out to workers as these become free. Workers
 * are processes of this machine, or the ranks of an MPI job where the command was started
 * as one (and built with it).
 *
 *     pool_run ─── next ──> request ──> work, in a worker
 *         └─────── take <── reports, and the result <──┘
 *
 * A unit whose worker is lost is handed out again. What comes of a unit should depend on
 * its number and request only: then nothing depends on how many workers there are.
 */
#ifndef SHEAF_TOOLS_POOL_POOL_H
#define SHEAF_TOOLS_POOL_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/diag.h"
#include "sim/base/text.h"

struct pool_link;
struct pool_channel; /* a worker's */

enum pool_next {
    POOL_UNIT, /* here is one */
    POOL_WAIT, /* not before another result is there */
    POOL_END,  /* no more */
};

struct pool_message {
    uint64_t unit;
    bool last; /* the unit's result */
    const char *data;
    size_t n;
};

/* What is to be done. `work` is called in workers, all else in the coordinator. */
struct pool_plan {
    void *context;
    /* The next unit, with its request appended to `request`. */
    enum pool_next (*next)(void *context, uint64_t *unit, struct text *request);
    /* False ends everything. Reports of a unit handed out again come again. */
    bool (*take)(void *context, const struct pool_message *r);
    /* A unit that has cost POOL_TRIES workers is given up: as take. */
    bool (*abandon)(void *context, uint64_t unit);
    /* Asked after each report, and ten times a second: false ends everything. */
    bool (*go_on)(void *context);
    /* Appends the unit's result. */
    void (*work)(void *context, const struct pool_message *request, struct pool_channel *channel,
                 struct text *result);
};

enum { POOL_TRIES = 3 };

struct pool {
    unsigned workers;
    bool leads;                     /* false in ranks that only work: these have nothing to say */
    struct pool_link *world;        /* of rank 0; NULL: local processes */
    struct pool_channel *channel;   /* of other ranks */
    uint64_t lost, messages, bytes; /* workers; in both directions */
};

/* Joins the MPI job, if there is one; else there will be `processes` workers. Ranks that
 * only work print nothing from here on. pool_close follows. */
enum status pool_open(struct pool *c, unsigned processes, struct diag *d);
void pool_close(struct pool *c);

/* Works until nothing is left, or until it is told to end: ST_OK. ST_NOMEM, or ST_IO when no
 * worker can be started. */
enum status pool_run(struct pool *c, const struct pool_plan *plan, struct diag *d);

/* From within `work`: a report. False when the unit is of no interest any more. */
bool pool_report(struct pool_channel *channel, const char *data, size_t n);

#endif
