#include "tools/pool/pool.h"

#include <stdlib.h>

#include "tools/pool/channel.h"

/* --- a worker's side ---------------------------------------------------------- */

bool pool_room(struct text *t, size_t n)
{
    static const char block[1024];
    for (t->n = 0; t->n < n && text_ok(t);)
        text_add_n(t, block, n - t->n < sizeof block ? n - t->n : sizeof block);
    return text_ok(t);
}

bool pool_report(struct pool_channel *channel, const char *data, size_t n)
{
    return channel->send(channel, &(struct pool_head){POOL_REPORT, channel->unit, n}, data);
}

void pool_serve(struct pool_channel *channel, const struct pool_plan *plan)
{
    struct pool_head head;
    struct text request = {0}, result = {0};
    bool good = true;
    while (good && channel->receive(channel, &head, &request) && head.kind == POOL_REQUEST) {
        channel->unit = head.unit;
        result.n = 0;
        plan->work(plan->context, &(struct pool_message){head.unit, true, request.at, head.size}, channel,
                   &result);
        good = text_ok(&result) &&
               channel->send(channel, &(struct pool_head){POOL_RESULT, head.unit, result.n}, result.at);
    }
    text_free(&request);
    text_free(&result);
}

/* --- the coordinator's -------------------------------------------------------- */

/* What a worker has in hand. */
struct assignment {
    bool busy;
    uint64_t unit;
    unsigned tries;
    struct text request;
};

struct lead {
    struct pool *pool;
    struct pool_link *link;
    const struct pool_plan *plan;
    struct assignment *assignments;
    unsigned busy;
    bool over; /* there are no more units */
};

static void give(struct lead *x, unsigned worker)
{
    struct assignment *h = &x->assignments[worker];
    x->pool->messages++;
    x->pool->bytes += sizeof(struct pool_head) + h->request.n;
    x->link->send(x->link, worker, &(struct pool_head){POOL_REQUEST, h->unit, h->request.n}, h->request.at);
}

/* To every worker that has nothing to do. */
static enum status hand_out(struct lead *x, struct diag *d)
{
    for (unsigned i = 0; i < x->link->workers && !x->over; i++) {
        struct assignment *h = &x->assignments[i];
        if (h->busy)
            continue;
        h->request.n = 0;
        const enum pool_next next = x->plan->next(x->plan->context, &h->unit, &h->request);
        if (!text_ok(&h->request))
            return diag_set(d, ST_NOMEM, "out of memory for a unit of work");
        x->over = next == POOL_END;
        if (next != POOL_UNIT)
            break;
        h->busy = true;
        h->tries = 0;
        x->busy++;
        give(x, i);
    }
    return ST_OK;
}

static void done(struct lead *x, unsigned worker)
{
    x->assignments[worker].busy = false;
    x->busy--;
}

/* Starts it again, and gives it what it had. */
static enum status replace(struct lead *x, unsigned worker, bool *go_on, struct diag *d)
{
    struct assignment *h = &x->assignments[worker];
    x->pool->lost++;
    if (h->busy && ++h->tries >= POOL_TRIES) {
        done(x, worker);
        *go_on = x->plan->abandon(x->plan->context, h->unit);
    }
    const enum status status = x->link->start(x->link, worker, x->plan, d);
    if (status == ST_OK && h->busy)
        give(x, worker);
    return status;
}

static bool take(struct lead *x, unsigned worker, const struct pool_head *head, const struct text *data)
{
    const bool last = head->kind == POOL_RESULT;
    x->pool->messages++;
    x->pool->bytes += sizeof *head + head->size;
    if (last)
        done(x, worker);
    return x->plan->take(x->plan->context, &(struct pool_message){head->unit, last, data->at, head->size});
}

static enum status lead(struct lead *x, struct diag *d)
{
    enum { MILLISECONDS = 100 };
    struct text data = {0};
    struct pool_head head;
    unsigned worker;
    bool go_on = true;
    enum status status = ST_OK;
    for (unsigned i = 0; i < x->link->workers && status == ST_OK; i++)
        status = x->link->start(x->link, i, x->plan, d);
    while (go_on && status == ST_OK) {
        status = hand_out(x, d);
        if (status != ST_OK || !x->busy)
            break;
        switch (x->link->receive(x->link, MILLISECONDS, &worker, &head, &data)) {
        case POOL_MESSAGE: go_on = take(x, worker, &head, &data); break;
        case POOL_LOST: status = replace(x, worker, &go_on, d); break;
        case POOL_NOTHING: break;
        }
        go_on = go_on && x->plan->go_on(x->plan->context);
    }
    text_free(&data);
    x->link->end(x->link);
    return status;
}

static enum status lead_over(struct pool *c, struct pool_link *link, const struct pool_plan *plan,
                             struct diag *d)
{
    struct lead x = {.pool = c, .link = link, .plan = plan};
    x.assignments = calloc(link->workers, sizeof *x.assignments);
    if (!x.assignments)
        return diag_set(d, ST_NOMEM, "out of memory for %u workers", link->workers);
    const enum status status = lead(&x, d);
    for (unsigned i = 0; i < link->workers; i++)
        text_free(&x.assignments[i].request);
    free(x.assignments);
    return status;
}

enum status pool_open(struct pool *c, unsigned processes, struct diag *d)
{
    *c = (struct pool){.workers = processes ? processes : 1, .leads = true};
    const enum status status = pool_world_open(&c->world, &c->channel, d);
    c->leads = !c->channel;
    if (c->world)
        c->workers = c->world->workers;
    return status;
}

void pool_close(struct pool *c)
{
    pool_world_close(c->world, c->channel);
    *c = (struct pool){.workers = 0};
}

enum status pool_run(struct pool *c, const struct pool_plan *plan, struct diag *d)
{
    if (c->channel) {
        pool_serve(c->channel, plan);
        return ST_OK;
    }
    if (c->world)
        return lead_over(c, c->world, plan, d);
    struct pool_link *local = pool_local_open(c->workers);
    if (!local)
        return diag_set(d, ST_NOMEM, "out of memory for %u workers", c->workers);
    const enum status status = lead_over(c, local, plan, d);
    pool_local_close(local);
    return status;
}
