/* Bounds are the larger of work and chain, neither of which knows of words used again. A list schedule that
 * keeps fewer edges, or has more slots, is at most as long as the one of the slots as they are, which fits
 * it, too. */
#include "traces/profile/what_if.h"

#include "traces/profile/reschedule.h"

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* --- bounds ------------------------------------------------------------------------ */

static enum status bound_unrolled(const struct history *h, uint32_t *bound, uint32_t *dep, struct diag *d)
{
    struct limits l;
    const enum status status = limits_unrolled(h, &h->machine, &l, d);
    *bound = larger(l.work, l.dep);
    *dep = l.dep;
    limits_free(&l);
    return status;
}

static struct isa_machine with_one_more(const struct history *h, unsigned engine)
{
    struct isa_machine machine = h->machine;
    machine.slots[engine]++;
    return machine;
}

/* Only one of the engines with the largest bound can lower it. */
static enum status bound_wider(const struct history *h, const struct limits *l, unsigned engine,
                               uint32_t *bound, struct diag *d)
{
    *bound = larger(l->work, l->dep);
    if (l->engine[engine] < *bound || l->dep == *bound)
        return ST_OK;
    struct limits wider;
    const struct isa_machine machine = with_one_more(h, engine);
    const enum status status = limits_find(h, &machine, &wider, d);
    *bound = larger(wider.work, wider.dep);
    limits_free(&wider);
    return status;
}

/* --- list schedules ------------------------------------------------------------------ */

/* A schedule of the graph; false when out of memory. */
static bool list(const struct history *h, const struct isa_machine *machine, const struct constraints *p,
                 uint32_t *cycles)
{
    struct arena arena = {0};
    uint32_t *at = arena_array(&arena, p->n + 1u, sizeof *at);
    *cycles = at ? reschedule(h, machine, p, at, &arena) : UINT32_MAX;
    arena_free(&arena);
    return *cycles < UINT32_MAX;
}

/* As they are, and with one more slot of each engine that they use. */
static bool list_as_it_is(const struct history *h, const struct limits *l, struct what_ifs *out)
{
    struct arena arena = {0};
    struct constraints p;
    bool good =
        constraints_create(&p, h, FREE_NOTHING, &arena) && list(h, &h->machine, &p, &out->now.reschedule);
    for (unsigned e = 0; good && e < ENGINE_DEBUG; e++) {
        const struct isa_machine machine = with_one_more(h, e);
        out->wider[e].reschedule = out->now.reschedule;
        good = !l->engine[e] || list(h, &machine, &p, &out->wider[e].reschedule);
        if (out->wider[e].reschedule > out->now.reschedule)
            out->wider[e].reschedule = out->now.reschedule;
    }
    arena_free(&arena);
    return good;
}

static bool list_free(const struct history *h, enum limits_freedom free, uint32_t at_most, uint32_t *cycles)
{
    struct arena arena = {0};
    struct constraints p;
    const bool good = constraints_create(&p, h, free, &arena) && list(h, &h->machine, &p, cycles);
    if (*cycles > at_most)
        *cycles = at_most;
    arena_free(&arena);
    return good;
}

enum status what_if_run(const struct history *h, const struct limits *l, struct what_ifs *out, uint32_t *dep,
                        struct diag *d)
{
    out->now.bound = out->renamed.bound = larger(l->work, l->dep);
    enum status status = bound_unrolled(h, &out->unrolled.bound, dep, d);
    for (unsigned e = 0; status == ST_OK && e < ENGINE_DEBUG; e++)
        status = bound_wider(h, l, e, &out->wider[e].bound, d);
    out->rescheduled =
        hist_n(h) <= WHAT_IF_MAX_SLOTS && h->edges.n <= WHAT_IF_MAX_EDGES && !isa_machine_waits(&h->machine);
    if (status == ST_OK && out->rescheduled &&
        !(list_as_it_is(h, l, out) &&
          list_free(h, FREE_WORDS, out->now.reschedule, &out->renamed.reschedule) &&
          list_free(h, FREE_JUMPS, out->renamed.reschedule, &out->unrolled.reschedule)))
        status = diag_set(d, ST_NOMEM, "out of memory for scheduling recorded slots");
    return status;
}
