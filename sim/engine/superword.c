#include "sim/engine/superword.h"

static bool can_run(const struct isa_slot *s)
{
    return isa_is_alu((enum isa_op)s->op) && !isa_info((enum isa_op)s->op)->partial;
}

/* The slot of `set` that does what s does, to words `distance` further on: as a set. */
static uint64_t find(const struct isa_slot *const *slot, uint64_t set, const struct isa_slot *s,
                     int32_t distance)
{
    for (; set; set &= set - 1) {
        const struct isa_slot *t = slot[__builtin_ctzll(set)];
        if (t->arg[0] - s->arg[0] == distance && t->op == s->op && t->arg[1] - s->arg[1] == distance &&
            t->arg[2] - s->arg[2] == distance)
            return set & -set;
    }
    return 0;
}

void superword_find(const struct isa_slot *const *slot, unsigned n, struct fuse *out)
{
    out->runs = 0;
    out->gone = 0;
    uint64_t set = 0;
    for (unsigned i = 0; i < n; i++)
        set |= (uint64_t)can_run(slot[i]) << i;
    for (uint64_t starts = set; starts; starts &= starts - 1) {
        const uint64_t first = starts & -starts;
        const struct isa_slot *s = slot[__builtin_ctzll(starts)];
        if (!(set & first) || find(slot, set, s, -1))
            continue; /* in a run already, or to be when its turn comes */
        uint64_t members = first, next = first;
        int64_t lanes = 0;
        for (; next && lanes < SUPERWORD_LANES; next = find(slot, set, s, (int32_t)lanes)) {
            members |= next;
            lanes++;
        }
        if (lanes == 1)
            continue;
        set &= ~members;
        out->gone |= members;
        out->run[out->runs] = *s;
        out->run[out->runs].op = (uint8_t)isa_to_valu((enum isa_op)s->op);
        out->run[out->runs++].literal = lanes;
    }
}
