/* How a coordinator and its workers reach each other: shared by the files of the pool. */
#ifndef SHEAF_TOOLS_POOL_CHANNEL_H
#define SHEAF_TOOLS_POOL_CHANNEL_H

#include "tools/pool/pool.h"

enum pool_kind { POOL_REQUEST, POOL_REPORT, POOL_RESULT, POOL_LEAVE };

/* Before the bytes of a message. Both ends are the same program on the same kind of machine. */
struct pool_head {
    uint64_t kind, unit, size;
};

enum { POOL_MAX_MESSAGE = 1 << 30 };

enum pool_event { POOL_NOTHING, POOL_MESSAGE, POOL_LOST };

/* The coordinator's end. */
struct pool_link {
    unsigned workers;
    /* Starts a worker, the first time and after it was lost. */
    enum status (*start)(struct pool_link *l, unsigned worker, const struct pool_plan *plan, struct diag *d);
    /* Only to workers that wait for a request, so that both ends never wait to be read. A
     * failure is found by `receive`. */
    void (*send)(struct pool_link *l, unsigned worker, const struct pool_head *head, const char *data);
    /* What happened next; nothing within `ms` milliseconds. Bytes replace those in `data`. */
    enum pool_event (*receive)(struct pool_link *l, int ms, unsigned *worker, struct pool_head *head,
                               struct text *data);
    /* Ends all workers. */
    void (*end)(struct pool_link *l);
};

/* A worker's end. */
struct pool_channel {
    uint64_t unit; /* at work on */
    /* False when there is no coordinator any more, or it wants no more. */
    bool (*receive)(struct pool_channel *channel, struct pool_head *head, struct text *data);
    bool (*send)(struct pool_channel *channel, const struct pool_head *head, const char *data);
};

/* A worker's life. */
void pool_serve(struct pool_channel *channel, const struct pool_plan *plan);

/* Local processes; NULL when out of memory. */
struct pool_link *pool_local_open(unsigned processes);
void pool_local_close(struct pool_link *l);

/* The MPI job that this process is a rank of; NULL with *channel NULL if there is none. Rank 0
 * gets a link, others a channel. */
enum status pool_world_open(struct pool_link **link, struct pool_channel **channel, struct diag *d);
void pool_world_close(struct pool_link *link, struct pool_channel *channel);

/* Replaces the text's bytes by room for n; false when out of memory. */
bool pool_room(struct text *t, size_t n);

#endif
