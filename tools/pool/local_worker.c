/* Workers that are processes of this machine, each at the end of a socket pair. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/pool/channel.h"

struct local {
    struct pool_link link;
    struct pollfd *ends; /* by worker; fd -1: there is none */
    pid_t *pids;
    unsigned first; /* is looked at first */
};

/* --- bytes -------------------------------------------------------------------- */

static bool write_all(int fd, const void *data, size_t n)
{
    for (size_t at = 0; at < n;) {
        const ssize_t some = send(fd, (const char *)data + at, n - at, MSG_NOSIGNAL);
        if (some < 0 && errno != EINTR)
            return false;
        at += some > 0 ? (size_t)some : 0;
    }
    return true;
}

static bool read_all(int fd, void *data, size_t n)
{
    for (size_t at = 0; at < n;) {
        const ssize_t some = recv(fd, (char *)data + at, n - at, 0);
        if (some == 0 || (some < 0 && errno != EINTR))
            return false;
        at += some > 0 ? (size_t)some : 0;
    }
    return true;
}

static bool read_message(int fd, struct pool_head *head, struct text *data)
{
    return read_all(fd, head, sizeof *head) && head->size <= POOL_MAX_MESSAGE &&
           pool_room(data, head->size) && read_all(fd, data->at, head->size);
}

static bool write_message(int fd, const struct pool_head *head, const char *data)
{
    return write_all(fd, head, sizeof *head) && write_all(fd, data, head->size);
}

/* --- a worker ----------------------------------------------------------------- */

struct local_worker {
    struct pool_channel channel;
    int fd;
};

static bool local_worker_receive(struct pool_channel *channel, struct pool_head *head, struct text *data)
{
    return read_message(((struct local_worker *)channel)->fd, head, data);
}

static bool local_worker_send(struct pool_channel *channel, const struct pool_head *head, const char *data)
{
    return write_message(((struct local_worker *)channel)->fd, head, data);
}

/* It ends with the coordinator, whatever ends that. */
static void live(struct local *l, int fd, pid_t parent, const struct pool_plan *plan)
{
    struct local_worker b = {{0, local_worker_receive, local_worker_send}, fd};
    for (unsigned i = 0; i < l->link.workers; i++)
        if (l->ends[i].fd >= 0)
            (void)close(l->ends[i].fd);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent)
        pool_serve(&b.channel, plan);
    _exit(0);
}

/* --- the coordinator's end ---------------------------------------------------- */

static enum status start(struct pool_link *link, unsigned worker, const struct pool_plan *plan,
                         struct diag *d)
{
    struct local *l = (struct local *)link;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return diag_set(d, ST_IO, "a worker could not be started: %s", strerror(errno));
    const pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        (void)close(pair[0]);
        live(l, pair[1], parent, plan);
    }
    (void)close(pair[1]);
    if (pid < 0) {
        (void)diag_set(d, ST_IO, "a worker could not be started: %s", strerror(errno));
        (void)close(pair[0]);
        return ST_IO;
    }
    l->ends[worker] = (struct pollfd){.fd = pair[0], .events = POLLIN};
    l->pids[worker] = pid;
    return ST_OK;
}

static void give_up(struct local *l, unsigned worker)
{
    if (l->ends[worker].fd < 0)
        return;
    (void)close(l->ends[worker].fd);
    l->ends[worker].fd = -1;
    (void)kill(l->pids[worker], SIGKILL);
    while (waitpid(l->pids[worker], NULL, 0) < 0 && errno == EINTR)
        ;
}

static void send_to(struct pool_link *link, unsigned worker, const struct pool_head *head, const char *data)
{
    (void)write_message(((struct local *)link)->ends[worker].fd, head, data);
}

static enum pool_event receive(struct pool_link *link, int ms, unsigned *worker, struct pool_head *head,
                               struct text *data)
{
    struct local *l = (struct local *)link;
    if (poll(l->ends, link->workers, ms) <= 0)
        return POOL_NOTHING;
    unsigned i = l->first % link->workers;
    while (!l->ends[i].revents)
        i = (i + 1) % link->workers;
    *worker = i;
    l->first = i + 1;
    if (read_message(l->ends[i].fd, head, data))
        return POOL_MESSAGE;
    give_up(l, i);
    return POOL_LOST;
}

static void end(struct pool_link *link)
{
    for (unsigned i = 0; i < link->workers; i++)
        give_up((struct local *)link, i);
}

struct pool_link *pool_local_open(unsigned processes)
{
    struct local *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->link = (struct pool_link){processes, start, send_to, receive, end};
    l->ends = calloc(processes, sizeof *l->ends);
    l->pids = calloc(processes, sizeof *l->pids);
    if (!l->ends || !l->pids) {
        free(l->ends);
        free(l->pids);
        free(l);
        return NULL;
    }
    for (unsigned i = 0; i < processes; i++)
        l->ends[i].fd = -1;
    return &l->link;
}

void pool_local_close(struct pool_link *link)
{
    struct local *l = (struct local *)link;
    end(link);
    free(l->ends);
    free(l->pids);
    free(l);
}
