/* tree_hash:resident, :grouped and :interleaved, the third to fifth rungs: one kernel,
 * eight walkers to a vector, their indices and values in scratch through all rounds.
 * The rungs differ in how much of it the scheduler sees at a time.
 *
 *     resident      a round of two groups
 *     grouped       a round of six groups
 *     interleaved   all rounds of all groups, as far as scratch and patience reach */
#include "kernels/tree_hash/ladder.h"

/* Groups resident at a time, and steps (of a group, in a round) in one region. */
struct shape {
    const char *name;
    uint32_t groups, steps;
};

/* What is shared by all groups. */
struct vectors {
    struct ladder l;
    struct ir_val one, two, nodes, tree;
    struct ir_val constant[TREE_STAGES], shift[TREE_STAGES];
};

struct group {
    struct ir_val index, value; /* written anew each round */
};

static void setup(struct vectors *v)
{
    struct ir *ir = v->l.ir;
    ir_stage(ir, "setup");
    v->one = ir_vconst(ir, 1);
    v->two = ir_vconst(ir, 2);
    v->nodes = ir_vconst(ir, v->l.nodes);
    v->tree = ir_vconst(ir, v->l.tree);
    for (unsigned i = 0; i < TREE_STAGES; i++) {
        v->constant[i] = ir_vconst(ir, tree_hash_stages[i].constant);
        v->shift[i] = ir_vconst(ir, tree_hash_stages[i].shift);
    }
}

/* The hash of `a` to `dest`. */
static void hash_into(struct vectors *v, struct ir_val dest, struct ir_val a)
{
    struct ir *ir = v->l.ir;
    ir_stage(ir, "hash");
    for (unsigned i = 0; i < TREE_STAGES; i++) {
        const struct tree_hash_stage *s = &tree_hash_stages[i];
        const struct ir_val left = ir_alu(ir, s->op1, a, v->constant[i]);
        const struct ir_val right = ir_alu(ir, s->op3, a, v->shift[i]);
        if (i + 1 == TREE_STAGES)
            ir_alu_into(ir, dest, s->op2, left, right);
        else
            a = ir_alu(ir, s->op2, left, right);
    }
}

static void step(struct vectors *v, const struct group *g)
{
    struct ir *ir = v->l.ir;
    ir_stage(ir, "gather");
    const struct ir_val address = ir_alu(ir, OP_ALU_ADD, v->tree, g->index);
    const struct ir_val node = ir_gather(ir, address, (struct ir_mem){v->l.tree, v->l.nodes});
    hash_into(v, g->value, ir_alu(ir, OP_ALU_XOR, g->value, node));
    ir_stage(ir, "branch");
    const struct ir_val left = ir_madd(ir, g->index, v->two, v->one);
    const struct ir_val child = ir_alu(ir, OP_ALU_ADD, left, ir_alu(ir, OP_ALU_MOD, g->value, v->two));
    const struct ir_val inside = ir_alu(ir, OP_ALU_LT, child, v->nodes);
    ir_alu_into(ir, g->index, OP_ALU_MUL, child, inside);
}

/* --- to scratch and back ------------------------------------------------------ */

static void load_groups(struct vectors *v, const struct ladder_part *p, const struct group *groups)
{
    ir_stage(v->l.ir, "load");
    for (uint32_t i = 0; i < p->strands; i++) {
        ladder_load(&v->l, p, i, v->l.indices, groups[i].index);
        ladder_load(&v->l, p, i, v->l.values, groups[i].value);
    }
}

static void store_groups(struct vectors *v, const struct ladder_part *p, const struct group *groups)
{
    ir_stage(v->l.ir, "store");
    for (uint32_t i = 0; i < p->strands; i++) {
        ladder_store(&v->l, p, i, v->l.indices, groups[i].index);
        ladder_store(&v->l, p, i, v->l.values, groups[i].value);
    }
}

/* --- rounds ------------------------------------------------------------------- */

static void rounds(struct vectors *v, const struct group *groups, uint32_t n_groups, uint32_t n)
{
    for (uint32_t i = 0; i < n_groups; i++)
        for (uint32_t r = 0; r < n; r++) {
            ir_round(v->l.ir, r);
            step(v, &groups[i]);
        }
}

/* All rounds, as many of them in a region as there may be steps. */
static void all_rounds(struct vectors *v, const struct group *groups, uint32_t n_groups, uint32_t steps)
{
    const uint32_t fit = steps / n_groups > 1 ? steps / n_groups : 1;
    const uint32_t each = fit < v->l.rounds ? fit : v->l.rounds;
    const struct ladder_loop loop = ladder_loop(&v->l, v->l.rounds / each);
    rounds(v, groups, n_groups, each);
    ladder_loop_end(&v->l, &loop);
    rounds(v, groups, n_groups, v->l.rounds % each);
}

/* One part of the batch from memory to memory. */
static uint32_t one_part(struct vectors *v, const struct group *groups, const struct shape *s, uint32_t first)
{
    struct ir *ir = v->l.ir;
    struct ladder_part p = ladder_part(&v->l, first, s->groups, ir->machine.vlen);
    const struct ladder_loop loop = ladder_passes(&v->l, &p);
    ir_strand(ir, 0); /* one for all groups: they keep pace, and none is late at the end */
    load_groups(v, &p, groups);
    all_rounds(v, groups, p.strands, s->steps);
    store_groups(v, &p, groups);
    ir->tag.strand = IR_SHARED;
    ladder_passes_end(&v->l, &p, &loop);
    return ladder_part_end(&p);
}

/* The whole kernel in l->ir. */
static void fill(const struct ladder *l, const struct shape *s)
{
    enum { MAX_GROUPS = 32 };
    struct vectors v = {.l = *l};
    struct group groups[MAX_GROUPS];
    setup(&v);
    for (uint32_t i = 0; i < s->groups; i++)
        groups[i] = (struct group){ir_vector(l->ir, "index"), ir_vector(l->ir, "value")};
    for (uint32_t first = 0; first < l->batch;) {
        if (first)
            (void)ir_loop(l->ir); /* a region of its own: scratch holds one part */
        first = one_part(&v, groups, s, first);
    }
}

static enum status build(const struct kern_request *rq, const struct shape *s, struct kern_programs *out,
                         struct diag *d)
{
    struct ladder l;
    const enum status status = ladder_begin(rq, &l, d);
    if (status != ST_OK)
        return status;
    fill(&l, s);
    return ladder_finish(&l, s->name, out, d);
}

static const struct shape resident = {"resident", 2, 2}, grouped = {"grouped", 6, 6},
                          interleaved = {"interleaved", 32, 512};

void ladder_interleaved(const struct ladder *l)
{
    fill(l, &interleaved);
}

enum status tree_hash_resident(const struct kern_request *rq, struct kern_programs *out, struct diag *d)
{
    return build(rq, &resident, out, d);
}

enum status tree_hash_grouped(const struct kern_request *rq, struct kern_programs *out, struct diag *d)
{
    return build(rq, &grouped, out, d);
}

enum status tree_hash_interleaved(const struct kern_request *rq, struct kern_programs *out, struct diag *d)
{
    return build(rq, &interleaved, out, d);
}
