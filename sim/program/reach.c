#include "sim/program/reach.h"

#include <string.h>

bool reach_target(const struct isa_slot *s, uint32_t at, int64_t *target)
{
    /* Distances beyond any program must not overflow the sum. */
    const int64_t far = INT64_C(1) << 60;
    switch ((int)isa_info((enum isa_op)s->op)->kind) {
    case KIND_JUMP:
    case KIND_COND_JUMP: *target = s->literal; return true;
    case KIND_COND_JUMP_REL:
        *target = (int64_t)at + 1 + (s->literal > far ? far : s->literal < -far ? -far : s->literal);
        return true;
    default: return false;
    }
}

struct walk {
    const struct prog *p;
    bool *reached;
    VEC(uint32_t) pending;
};

static bool visit(struct walk *w, int64_t bundle)
{
    if (bundle < 0 || (uint64_t)bundle >= w->p->bundles.n || w->reached[bundle])
        return true;
    w->reached[bundle] = true;
    return vec_push(&w->pending, (uint32_t)bundle);
}

static bool visit_successors(struct walk *w, uint32_t bundle)
{
    const struct prog_span slots = prog_bundle_slots(w->p, bundle);
    bool falls_through = true;
    for (uint32_t i = slots.begin; i < slots.end; i++) {
        const struct isa_slot *s = &w->p->slots.at[i];
        const enum isa_kind kind = isa_info((enum isa_op)s->op)->kind;
        int64_t target;
        if (kind == KIND_HALT)
            return true;
        if (kind == KIND_JUMP)
            falls_through = false;
        if (reach_target(s, bundle, &target) && !visit(w, target))
            return false;
    }
    return !falls_through || visit(w, (int64_t)bundle + 1);
}

static bool jumps_anywhere(const struct prog *p)
{
    for (size_t i = 0; i < p->slots.n; i++)
        if (isa_info((enum isa_op)p->slots.at[i].op)->kind == KIND_JUMP_INDIRECT)
            return true;
    return false;
}

bool reach_find(const struct prog *p, bool *reached)
{
    if (jumps_anywhere(p)) {
        memset(reached, true, p->bundles.n);
        return true;
    }
    struct walk w = {.p = p, .reached = reached};
    bool good = visit(&w, 0);
    while (good && w.pending.n)
        good = visit_successors(&w, w.pending.at[--w.pending.n]);
    vec_free(&w.pending);
    return good;
}
