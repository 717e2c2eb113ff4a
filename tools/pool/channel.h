/* How a coordinator and its workers reach each other: shared by the files of the crew. */
#ifndef SHEAF_TOOLS_POOL_CHANNEL_H
#define SHEAF_TOOLS_POOL_CHANNEL_H

#include "tools/pool/pool.h"

enum crew_kind { CREW_REQUEST, CREW_REPORT, CREW_RESULT, CREW_LEAVE };

/* Before the bytes of a message. Both ends are the same program on the same kind of machine. */
struct crew_head {
    uint64_t kind, unit, size;
};

enum { CREW_MAX_MESSAGE = 1 << 30 };

enum crew_event { CREW_NOTHING, CREW_MESSAGE, CREW_LOST };

/* The coordinator's end. */
struct crew_link {
    unsigned workers;
    /* Starts a worker, the first time and after it was lost. */
    enum status (*start)(struct crew_link *l, unsigned worker, const struct crew_plan *plan, struct diag *d);
    /* Only to workers that wait for a request, so that both ends never wait to be read. A
     * failure is found by `receive`. */
    void (*send)(struct crew_link *l, unsigned worker, const struct crew_head *head, const char *data);
    /* What happened next; nothing within `ms` milliseconds. Bytes replace those in `data`. */
    enum crew_event (*receive)(struct crew_link *l, int ms, unsigned *worker, struct crew_head *head,
                               struct text *data);
    /* Ends all workers. */
    void (*end)(struct crew_link *l);
};

/* A worker's end. */
struct crew_desk {
    uint64_t unit; /* at work on */
    /* False when there is no coordinator any more, or it wants no more. */
    bool (*receive)(struct crew_desk *desk, struct crew_head *head, struct text *data);
    bool (*send)(struct crew_desk *desk, const struct crew_head *head, const char *data);
};

/* A worker's life. */
void crew_serve(struct crew_desk *desk, const struct crew_plan *plan);

/* Local processes; NULL when out of memory. */
struct crew_link *crew_local_open(unsigned processes);
void crew_local_close(struct crew_link *l);

/* The MPI job that this process is a rank of; NULL with *desk NULL if there is none. Rank 0
 * gets a link, others a desk. */
enum status crew_world_open(struct crew_link **link, struct crew_desk **desk, struct diag *d);
void crew_world_close(struct crew_link *link, struct crew_desk *desk);

/* Replaces the text's bytes by room for n; false when out of memory. */
bool crew_room(struct text *t, size_t n);

#endif
