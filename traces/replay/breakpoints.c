#include "traces/replay/breakpoints.h"

unsigned breakpoints_add(struct breakpoints *all, struct stop stop)
{
    stop.id = all->last_id + 1;
    if (!vec_push(&all->list, stop)) {
        expr_free(stop.condition);
        return 0;
    }
    return all->last_id = stop.id;
}

bool breakpoints_remove(struct breakpoints *all, unsigned id)
{
    for (size_t i = 0; i < all->list.n; i++) {
        if (all->list.at[i].id != id)
            continue;
        expr_free(all->list.at[i].condition);
        for (all->list.n--; i < all->list.n; i++)
            all->list.at[i] = all->list.at[i + 1];
        return true;
    }
    return false;
}

void breakpoints_clear(struct breakpoints *all)
{
    for (size_t i = 0; i < all->list.n; i++)
        expr_free(all->list.at[i].condition);
    vec_free(&all->list);
}

/* A run under watch. */
struct watch {
    const struct breakpoints *all;
    const struct sim *sim;
    struct breakpoint_hit hit;
    bool found; /* since the last position */
};

static bool holds(struct watch *w, const struct stop *stop, const struct sim *s, uint32_t core)
{
    uint64_t value = 1;
    if (!stop->condition)
        return true;
    w->hit.problem.text[0] = '\0';
    return expr_value(stop->condition, s, core, &value, &w->hit.problem) != ST_OK || value != 0;
}

/* --- writes --------------------------------------------------------------------- */

static void look_at_writes(struct watch *w, const struct stop *stop, const struct sim_bundle *b)
{
    const bool mem = stop->word_range.core == WORD_RANGE_MEM;
    const struct sim_write *writes = mem ? b->mem : b->scratch;
    const size_t n = mem ? b->n_mem : b->n_scratch;
    const uint32_t *now = mem ? b->sim->mem : b->sim->cores[b->core].scratch;
    if (!mem && stop->word_range.core != b->core)
        return;
    for (size_t i = 0; i < n && !w->found; i++) {
        const uint64_t address = (uint64_t)writes[i].address;
        if (address - stop->word_range.first >= stop->word_range.n ||
            (stop->kind == BREAK_CHANGE && now[address] == writes[i].value))
            continue;
        w->found = true;
        w->hit = (struct breakpoint_hit){.id = stop->id,
                                         .kind = stop->kind,
                                         .core = b->core,
                                         .bundle = b->bundle,
                                         .slot = writes[i].slot,
                                         .address = (uint32_t)address,
                                         .old = now[address],
                                         .value = writes[i].value};
    }
}

/* Of a round's writes that commit on one word the last counts. */
static void look_at_commit(struct watch *w, const struct stop *stop, const struct sim_commit *l)
{
    const uint32_t core = l->in_memory ? WORD_RANGE_MEM : l->core;
    if (stop->word_range.core != core || l->address - stop->word_range.first >= stop->word_range.n)
        return;
    const uint32_t now = (l->in_memory ? w->sim->mem : w->sim->cores[l->core].scratch)[l->address];
    const bool again = w->found && w->hit.id == stop->id && w->hit.address == l->address;
    const uint32_t old = again ? w->hit.old : now;
    if (w->found && !again)
        return;
    w->found = stop->kind == BREAK_WRITE || old != l->value;
    w->hit = (struct breakpoint_hit){.id = stop->id,
                                     .kind = stop->kind,
                                     .core = l->core,
                                     .bundle = l->bundle,
                                     .slot = l->slot,
                                     .address = l->address,
                                     .old = old,
                                     .value = l->value};
}

static void watch_commit(void *user, const struct sim_commit *l)
{
    struct watch *w = user;
    for (size_t i = 0; i < w->all->list.n; i++) {
        const struct stop *stop = &w->all->list.at[i];
        if (stop->kind == BREAK_WRITE || stop->kind == BREAK_CHANGE)
            look_at_commit(w, stop, l);
    }
}

static void watch_bundle(void *user, const struct sim_bundle *b)
{
    struct watch *w = user;
    for (size_t i = 0; i < w->all->list.n && !w->found && !isa_machine_waits(&b->sim->config.machine); i++) {
        const struct stop *stop = &w->all->list.at[i];
        if (stop->kind == BREAK_WRITE || stop->kind == BREAK_CHANGE)
            look_at_writes(w, stop, b);
    }
}

static const struct stop *find(const struct breakpoints *all, unsigned id)
{
    size_t i = 0;
    while (all->list.at[i].id != id)
        i++;
    return &all->list.at[i];
}

/* --- positions ------------------------------------------------------------------ */

/* Whether the core executes its bundle in the next round. A paused one does when all are. */
static bool is_next(const struct sim *s, uint32_t core)
{
    if (s->cores[core].state != CORE_PAUSED)
        return s->cores[core].state == CORE_RUNNING;
    for (uint32_t c = 0; c < s->config.machine.cores; c++)
        if (s->cores[c].state == CORE_RUNNING)
            return false;
    return true;
}

static bool at_bundle(struct watch *w, const struct stop *stop, const struct sim *s)
{
    for (uint32_t c = 0; c < s->config.machine.cores; c++)
        if (s->cores[c].pc == stop->bundle && is_next(s, c) && holds(w, stop, s, c)) {
            w->hit.core = c;
            w->hit.bundle = stop->bundle;
            return true;
        }
    return false;
}

static bool found(void *user, const struct sim *s)
{
    struct watch *w = user;
    const bool written = w->found;
    w->found = false;
    if (written && holds(w, find(w->all, w->hit.id), s, w->hit.core))
        return true;
    for (size_t i = 0; i < w->all->list.n && s->fault.kind == FAULT_NONE; i++) {
        const struct stop *stop = &w->all->list.at[i];
        if ((stop->kind == BREAK_BUNDLE && at_bundle(w, stop, s)) ||
            (stop->kind == BREAK_CONDITION && holds(w, stop, s, w->all->core))) {
            w->hit.id = stop->id;
            w->hit.kind = stop->kind;
            return true;
        }
    }
    return false;
}

bool breakpoints_here(const struct breakpoints *all, const struct replay *r, struct breakpoint_hit *hit)
{
    struct watch w = {.all = all, .sim = r->sim};
    const bool stopped = found(&w, r->sim);
    *hit = w.hit;
    return stopped;
}

static bool run(const struct breakpoints *all, struct replay *r, bool back, uint64_t limit,
                struct breakpoint_hit *hit)
{
    struct watch w = {.all = all, .sim = r->sim};
    const struct sim_sink sink = {.bundle = watch_bundle, .user = &w, .commit = watch_commit};
    struct replay_scan scan = {NULL, found, &w};
    for (size_t i = 0; i < all->list.n; i++)
        if (all->list.at[i].kind == BREAK_WRITE || all->list.at[i].kind == BREAK_CHANGE)
            scan.sink = &sink;
    const bool stopped = back ? replay_back(r, &scan, replay_at(r)) : replay_forth(r, &scan, limit);
    *hit = w.hit;
    return stopped;
}

bool breakpoints_forth(const struct breakpoints *all, struct replay *r, uint64_t limit,
                       struct breakpoint_hit *hit)
{
    if (all->list.n)
        return run(all, r, false, limit, hit);
    replay_go(r, limit > replay_at(r) ? limit : replay_at(r));
    return false;
}

bool breakpoints_back(const struct breakpoints *all, struct replay *r, struct breakpoint_hit *hit)
{
    if (all->list.n)
        return run(all, r, true, 0, hit);
    replay_go(r, 0);
    return false;
}
