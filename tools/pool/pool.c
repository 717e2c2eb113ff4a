#include "tools/pool/pool.h"

#include <stdlib.h>

#include "tools/pool/channel.h"

/* --- a worker's side ---------------------------------------------------------- */

bool crew_room(struct text *t, size_t n)
{
    static const char block[1024];
    for (t->n = 0; t->n < n && text_ok(t);)
        text_add_n(t, block, n - t->n < sizeof block ? n - t->n : sizeof block);
    return text_ok(t);
}

bool crew_tell(struct crew_desk *desk, const char *data, size_t n)
{
    return desk->send(desk, &(struct crew_head){CREW_REPORT, desk->unit, n}, data);
}

void crew_serve(struct crew_desk *desk, const struct crew_plan *plan)
{
    struct crew_head head;
    struct text request = {0}, result = {0};
    bool good = true;
    while (good && desk->receive(desk, &head, &request) && head.kind == CREW_REQUEST) {
        desk->unit = head.unit;
        result.n = 0;
        plan->work(plan->context, &(struct crew_report){head.unit, true, request.at, head.size}, desk,
                   &result);
        good = text_ok(&result) &&
               desk->send(desk, &(struct crew_head){CREW_RESULT, head.unit, result.n}, result.at);
    }
    text_free(&request);
    text_free(&result);
}

/* --- the coordinator's -------------------------------------------------------- */

/* What a worker has in hand. */
struct hand {
    bool busy;
    uint64_t unit;
    unsigned tries;
    struct text request;
};

struct lead {
    struct crew *crew;
    struct crew_link *link;
    const struct crew_plan *plan;
    struct hand *hands;
    unsigned busy;
    bool over; /* there are no more units */
};

static void give(struct lead *x, unsigned worker)
{
    struct hand *h = &x->hands[worker];
    x->crew->messages++;
    x->crew->bytes += sizeof(struct crew_head) + h->request.n;
    x->link->send(x->link, worker, &(struct crew_head){CREW_REQUEST, h->unit, h->request.n}, h->request.at);
}

/* To every worker that has nothing to do. */
static enum status hand_out(struct lead *x, struct diag *d)
{
    for (unsigned i = 0; i < x->link->workers && !x->over; i++) {
        struct hand *h = &x->hands[i];
        if (h->busy)
            continue;
        h->request.n = 0;
        const enum crew_next next = x->plan->next(x->plan->context, &h->unit, &h->request);
        if (!text_ok(&h->request))
            return diag_set(d, ST_NOMEM, "out of memory for a unit of work");
        x->over = next == CREW_END;
        if (next != CREW_UNIT)
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
    x->hands[worker].busy = false;
    x->busy--;
}

/* Starts it again, and gives it what it had. */
static enum status replace(struct lead *x, unsigned worker, bool *go_on, struct diag *d)
{
    struct hand *h = &x->hands[worker];
    x->crew->lost++;
    if (h->busy && ++h->tries >= CREW_TRIES) {
        done(x, worker);
        *go_on = x->plan->abandon(x->plan->context, h->unit);
    }
    const enum status status = x->link->start(x->link, worker, x->plan, d);
    if (status == ST_OK && h->busy)
        give(x, worker);
    return status;
}

static bool take(struct lead *x, unsigned worker, const struct crew_head *head, const struct text *data)
{
    const bool last = head->kind == CREW_RESULT;
    x->crew->messages++;
    x->crew->bytes += sizeof *head + head->size;
    if (last)
        done(x, worker);
    return x->plan->take(x->plan->context, &(struct crew_report){head->unit, last, data->at, head->size});
}

static enum status lead(struct lead *x, struct diag *d)
{
    enum { MILLISECONDS = 100 };
    struct text data = {0};
    struct crew_head head;
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
        case CREW_MESSAGE: go_on = take(x, worker, &head, &data); break;
        case CREW_LOST: status = replace(x, worker, &go_on, d); break;
        case CREW_NOTHING: break;
        }
        go_on = go_on && x->plan->go_on(x->plan->context);
    }
    text_free(&data);
    x->link->end(x->link);
    return status;
}

static enum status lead_over(struct crew *c, struct crew_link *link, const struct crew_plan *plan,
                             struct diag *d)
{
    struct lead x = {.crew = c, .link = link, .plan = plan};
    x.hands = calloc(link->workers, sizeof *x.hands);
    if (!x.hands)
        return diag_set(d, ST_NOMEM, "out of memory for %u workers", link->workers);
    const enum status status = lead(&x, d);
    for (unsigned i = 0; i < link->workers; i++)
        text_free(&x.hands[i].request);
    free(x.hands);
    return status;
}

enum status crew_open(struct crew *c, unsigned processes, struct diag *d)
{
    *c = (struct crew){.workers = processes ? processes : 1, .leads = true};
    const enum status status = crew_world_open(&c->world, &c->desk, d);
    c->leads = !c->desk;
    if (c->world)
        c->workers = c->world->workers;
    return status;
}

void crew_close(struct crew *c)
{
    crew_world_close(c->world, c->desk);
    *c = (struct crew){.workers = 0};
}

enum status crew_run(struct crew *c, const struct crew_plan *plan, struct diag *d)
{
    if (c->desk) {
        crew_serve(c->desk, plan);
        return ST_OK;
    }
    if (c->world)
        return lead_over(c, c->world, plan, d);
    struct crew_link *local = crew_local_open(c->workers);
    if (!local)
        return diag_set(d, ST_NOMEM, "out of memory for %u workers", c->workers);
    const enum status status = lead_over(c, local, plan, d);
    crew_local_close(local);
    return status;
}
