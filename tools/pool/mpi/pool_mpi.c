/* Workers that are ranks of an MPI job: rank 0 coordinates, the others work. A rank that
 * dies takes the whole job with it, as MPI has it; the job goes on from its files.
 *
 * Waiting is by looking now and then: MPI's own waiting keeps a processor busy, which is
 * better given to a worker. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tools/pool/channel.h"

enum { TAG_HEAD = 1, TAG_DATA, NANOSECONDS = 200 * 1000, LOOKS_A_MS = 5 };

static void nap(void)
{
    const struct timespec t = {0, NANOSECONDS};
    (void)nanosleep(&t, NULL);
}

static bool arrived(int source, MPI_Status *status)
{
    int flag = 0;
    return MPI_Iprobe(source, TAG_HEAD, MPI_COMM_WORLD, &flag, status) == MPI_SUCCESS && flag;
}

/* Head and bytes are two messages, in order between two ranks. */
static bool get(int source, struct pool_head *head, struct text *data)
{
    if (MPI_Recv(head, (int)sizeof *head, MPI_BYTE, source, TAG_HEAD, MPI_COMM_WORLD, MPI_STATUS_IGNORE) !=
            MPI_SUCCESS ||
        head->size > POOL_MAX_MESSAGE || !pool_room(data, head->size))
        return false;
    return !head->size || MPI_Recv(data->at, (int)head->size, MPI_BYTE, source, TAG_DATA, MPI_COMM_WORLD,
                                   MPI_STATUS_IGNORE) == MPI_SUCCESS;
}

static bool put(int target, const struct pool_head *head, const char *data)
{
    return MPI_Send(head, (int)sizeof *head, MPI_BYTE, target, TAG_HEAD, MPI_COMM_WORLD) == MPI_SUCCESS &&
           (!head->size ||
            MPI_Send(data, (int)head->size, MPI_BYTE, target, TAG_DATA, MPI_COMM_WORLD) == MPI_SUCCESS);
}

/* --- a worker ----------------------------------------------------------------- */

struct seat {
    struct pool_channel channel;
    bool told; /* to leave */
};

static bool channel_receive(struct pool_channel *channel, struct pool_head *head, struct text *data)
{
    MPI_Status status;
    while (!arrived(0, &status))
        nap();
    const bool good = get(0, head, data);
    ((struct seat *)channel)->told = good && head->kind == POOL_LEAVE;
    return good;
}

/* The coordinator says nothing to a worker at work but that it is to leave. */
static bool channel_send(struct pool_channel *channel, const struct pool_head *head, const char *data)
{
    MPI_Status status;
    (void)channel;
    return !arrived(0, &status) && put(0, head, data);
}

/* Whatever made it leave, it says so, and is told. */
static void leave(struct pool_channel *channel)
{
    struct text rest = {0};
    struct pool_head head;
    (void)put(0, &(struct pool_head){POOL_LEAVE, 0, 0}, NULL);
    for (bool good = true; good && !((struct seat *)channel)->told;)
        good = channel_receive(channel, &head, &rest);
    text_free(&rest);
}

/* --- the coordinator's end ---------------------------------------------------- */

struct world {
    struct pool_link link;
    bool ended;
    unsigned left; /* ranks that have left */
};

/* Ranks are there. One that was lost left by itself, and cannot be started from here. */
static enum status start(struct pool_link *link, unsigned worker, const struct pool_plan *plan,
                         struct diag *d)
{
    (void)plan;
    return ((struct world *)link)->left
               ? diag_set(d, ST_IO, "rank %u of the MPI job cannot work, out of memory perhaps", worker + 1)
               : ST_OK;
}

static void send_to(struct pool_link *link, unsigned worker, const struct pool_head *head, const char *data)
{
    (void)link;
    (void)put((int)worker + 1, head, data);
}

static enum pool_event receive(struct pool_link *link, int ms, unsigned *worker, struct pool_head *head,
                               struct text *data)
{
    MPI_Status status;
    for (int i = 0; !arrived(MPI_ANY_SOURCE, &status); i++) {
        if (i >= ms * LOOKS_A_MS)
            return POOL_NOTHING;
        nap();
    }
    *worker = (unsigned)status.MPI_SOURCE - 1;
    const bool good = get(status.MPI_SOURCE, head, data), left = good && head->kind == POOL_LEAVE;
    ((struct world *)link)->left += left;
    return good && !left ? POOL_MESSAGE : POOL_LOST;
}

/* What workers still say is taken, so that none waits to be heard. */
static void end(struct pool_link *link)
{
    struct world *w = (struct world *)link;
    if (w->ended)
        return;
    w->ended = true;
    for (unsigned i = 0; i < link->workers; i++)
        (void)put((int)i + 1, &(struct pool_head){POOL_LEAVE, 0, 0}, NULL);
    struct text rest = {0};
    struct pool_head head;
    unsigned worker;
    while (w->left < link->workers)
        (void)receive(link, 100, &worker, &head, &rest);
    text_free(&rest);
}

/* Whether a launcher started this. MPI_Init alone would start one. */
static bool launched(void)
{
    static const char *const signs[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"};
    for (unsigned i = 0; i < sizeof signs / sizeof *signs; i++)
        if (getenv(signs[i]))
            return true;
    return false;
}

enum status pool_world_open(struct pool_link **link, struct pool_channel **channel, struct diag *d)
{
    int rank, ranks;
    *link = NULL;
    *channel = NULL;
    if (!launched())
        return ST_OK;
    if (MPI_Init(NULL, NULL) != MPI_SUCCESS || MPI_Comm_rank(MPI_COMM_WORLD, &rank) != MPI_SUCCESS ||
        MPI_Comm_size(MPI_COMM_WORLD, &ranks) != MPI_SUCCESS)
        return diag_set(d, ST_IO, "MPI could not be started");
    if (ranks == 1)
        return MPI_Finalize(), ST_OK;
    if (rank > 0) {
        struct seat *s = malloc(sizeof *s);
        if (!s || !freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            MPI_Abort(MPI_COMM_WORLD, 2);
        *s = (struct seat){{0, channel_receive, channel_send}, false};
        *channel = &s->channel;
        return ST_OK;
    }
    struct world *w = malloc(sizeof *w);
    if (!w)
        return diag_set(d, ST_NOMEM, "out of memory");
    *w = (struct world){{(unsigned)ranks - 1, start, send_to, receive, end}, false, 0};
    *link = &w->link;
    return ST_OK;
}

void pool_world_close(struct pool_link *link, struct pool_channel *channel)
{
    if (link)
        end(link);
    if (channel)
        leave(channel);
    if (link || channel)
        (void)MPI_Finalize();
    free(link);
    free(channel);
}
