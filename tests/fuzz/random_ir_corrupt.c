#include <string.h>

#include "tests/fuzz/random_ir.h"

/* The program as a flat list, easy to change: a slot and where it is. */
struct entry {
    struct isa_slot slot;
    struct emit_origin origin;
    uint32_t bundle;
};

struct list {
    VEC(struct entry) at;
    uint32_t bundles;
};

/* --- copies ------------------------------------------------------------------ */

#define COPY(to, from)                                                  \
    do {                                                                \
        (to)->n = 0;                                                    \
        rir_need(vec_reserve((to), (from)->n + 1));                     \
        if ((from)->n)                                                  \
            memcpy((to)->at, (from)->at, (from)->n * sizeof *(to)->at); \
        (to)->n = (from)->n;                                            \
    } while (0)

void rir_save(const struct emitted *e, struct rir_copy *copy)
{
    COPY(&copy->slots, &e->prog->slots);
    COPY(&copy->groups, &e->prog->groups);
    COPY(&copy->bundles, &e->prog->bundles);
    COPY(&copy->origins, &e->origins);
}

void rir_restore(struct emitted *e, struct rir_copy *copy)
{
    COPY(&e->prog->slots, &copy->slots);
    COPY(&e->prog->groups, &copy->groups);
    COPY(&e->prog->bundles, &copy->bundles);
    COPY(&e->origins, &copy->origins);
}

static void to_list(const struct emitted *e, struct list *l)
{
    l->bundles = (uint32_t)e->prog->bundles.n;
    for (uint32_t b = 0; b < l->bundles; b++) {
        const struct prog_span s = prog_bundle_slots(e->prog, b);
        for (uint32_t i = s.begin; i < s.end; i++)
            rir_need(vec_push(&l->at, (struct entry){e->prog->slots.at[i], e->origins.at[i], b}));
    }
}

/* Slots of a bundle and engine keep the order that they have in the list; where there are
 * none, a cycle is waited. */
static void from_list(struct emitted *e, const struct list *l)
{
    struct prog *p = e->prog;
    p->slots.n = p->groups.n = p->bundles.n = e->origins.n = 0;
    for (uint32_t b = 0; b < l->bundles; b++) {
        const size_t groups = p->groups.n;
        rir_need(prog_add_bundle(p, 0));
        for (unsigned engine = 0; engine < ISA_ENGINES; engine++) {
            bool open = false;
            for (size_t i = 0; i < l->at.n; i++) {
                const struct entry *x = &l->at.at[i];
                if (x->bundle != b || x->slot.engine != engine)
                    continue;
                rir_need(open || prog_add_group(p, (enum isa_engine)engine));
                open = true;
                rir_need(prog_add_slot(p, x->slot) && vec_push(&e->origins, x->origin));
            }
        }
        if (p->groups.n == groups)
            rir_need(prog_add_group(p, ENGINE_ALU));
    }
}

/* --- one change -------------------------------------------------------------- */

static const char *swap_bundles(struct rng *r, struct list *l, struct entry *x)
{
    if (l->bundles < 2)
        return NULL;
    const uint32_t a = x->bundle;
    uint32_t b = rng_below(r, 2) ? rng_below(r, l->bundles) : a + 1;
    if (b >= l->bundles)
        b = a - 1;
    for (size_t i = 0; i < l->at.n; i++)
        if (l->at.at[i].bundle == a)
            l->at.at[i].bundle = b;
        else if (l->at.at[i].bundle == b)
            l->at.at[i].bundle = a;
    return "two bundles swapped";
}

static const char *shift_word(struct rng *r, struct list *l, struct entry *x)
{
    (void)l;
    const struct isa_info *info = isa_info((enum isa_op)x->slot.op);
    for (unsigned try = 0; try < 8; try++) {
        const unsigned k = rng_below(r, ISA_MAX_ARGS);
        if (!isa_role_is_address(info->role[k]))
            continue;
        x->slot.arg[k] += rng_below(r, 2) ? 1 : rng_below(r, 2) ? -1 : (int32_t)rng_below(r, 24);
        return "a scratch word shifted";
    }
    return NULL;
}

static const char *drop(struct rng *r, struct list *l, struct entry *x)
{
    (void)r;
    memmove(x, x + 1, (size_t)(l->at.at + l->at.n - (x + 1)) * sizeof *x);
    l->at.n--;
    return "a slot dropped";
}

static const char *duplicate(struct rng *r, struct list *l, struct entry *x)
{
    struct entry copy = *x;
    copy.bundle = rng_below(r, l->bundles);
    rir_need(vec_push(&l->at, copy));
    return "a slot duplicated";
}

static const char *move(struct rng *r, struct list *l, struct entry *x)
{
    const bool earlier = rng_below(r, 2);
    if (earlier ? x->bundle == 0 : x->bundle + 1 >= l->bundles)
        return NULL;
    x->bundle += earlier ? UINT32_MAX : 1;
    return earlier ? "a slot one bundle early" : "a slot one bundle late";
}

static const char *swap_slots(struct rng *r, struct list *l, struct entry *x)
{
    (void)r;
    for (struct entry *y = l->at.at; y < l->at.at + l->at.n; y++)
        if (y != x && y->bundle == x->bundle && y->slot.engine == x->slot.engine &&
            (x->slot.engine == ENGINE_LOAD || x->slot.engine == ENGINE_STORE)) {
            const struct entry t = *x;
            *x = *y;
            *y = t;
            return "two slots of a bundle swapped";
        }
    return NULL;
}

static const char *literal(struct rng *r, struct list *l, struct entry *x)
{
    if (x->slot.op == OP_COND_JUMP) {
        x->slot.literal = rng_below(r, l->bundles + 1);
        return "a jump retargeted";
    }
    if (x->slot.op != OP_CONST && x->slot.op != OP_ADD_IMM)
        return NULL;
    x->slot.literal ^= 1 << rng_below(r, 31);
    return "a literal changed";
}

static const char *operation(struct rng *r, struct list *l, struct entry *x)
{
    (void)l;
    const enum isa_op op = (enum isa_op)x->slot.op;
    if (isa_is_alu(op))
        x->slot.op = (uint8_t)rng_below(r, ISA_BINARIES);
    else if (isa_is_valu_binary(op))
        x->slot.op = (uint8_t)(ISA_BINARIES + rng_below(r, ISA_BINARIES));
    else if (op == OP_VLOAD || op == OP_LOAD)
        x->slot.op = (uint8_t)(op == OP_VLOAD ? OP_LOAD : OP_VLOAD);
    else if (op == OP_VSTORE || op == OP_STORE)
        x->slot.op = (uint8_t)(op == OP_VSTORE ? OP_STORE : OP_VSTORE);
    else
        return NULL;
    return "another operation";
}

static const char *other_source(struct rng *r, struct list *l, struct entry *x)
{
    (void)r, (void)l;
    const int32_t t = x->slot.arg[1];
    if (x->slot.engine != ENGINE_ALU && x->slot.engine != ENGINE_VALU)
        return NULL;
    x->slot.arg[1] = x->slot.arg[2];
    x->slot.arg[2] = t;
    return "two sources swapped";
}

const char *rir_corrupt(struct rng *r, struct emitted *e)
{
    static const char *(*const change[])(struct rng *, struct list *, struct entry *) = {
        swap_bundles, shift_word, drop, duplicate, move, move, swap_slots, literal, operation, other_source};
    struct list l = {0};
    to_list(e, &l);
    const char *what = NULL;
    for (unsigned try = 0; try < 20 && !what && l.at.n; try++)
        what = change[rng_below(r, sizeof change / sizeof *change)](r, &l,
                                                                    &l.at.at[rng_below(r, (uint32_t)l.at.n)]);
    if (what)
        from_list(e, &l);
    vec_free(&l.at);
    return what;
}
