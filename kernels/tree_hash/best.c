/* The variant `best`: one strand of operations for each group of walkers, decisions
 * and order found by the builder's search (walk.h says how it computes). */
#include "builder/ir/ir.h"
#include "kernels/tree_hash/full.h"
#include "kernels/tree_hash/tree_hash.h"
#include "kernels/tree_hash/walk.h"

enum { SPARE_AREAS = 2, FIRST_TABLE = 3 };

/* Tables are built over the levels they serve: pairs of levels from the first that is
 * not cached. How many is asked; each wants whole vectors of nodes. */
static void plan_tables(struct walk_plan *p, struct choices *c, unsigned vlen)
{
    unsigned n = 0;
    for (unsigned level = FIRST_TABLE; level + 1 <= p->height && n < WALK_MAX_TABLES; level += 2) {
        const struct walk_table t = {level, p->tree + (1u << level) - 1};
        /* Loads of the last record read vlen words. */
        const bool inside = t.base + 3 * ((1u << level) - 1) + vlen <= p->values + p->batch;
        if (level + 1 >= p->rounds || vlen < 3 || (1u << level) % vlen || !inside)
            break;
        p->table[n++] = t;
    }
    /* A table of 2^L records costs three vectors a vector of them, and saves eight
     * loads for each eight walkers: it pays with a few walkers a record. */
    const uint32_t walkers = p->batch * ((p->rounds + p->height) / (p->height + 1));
    unsigned worth = 0;
    while (worth < n && walkers >> p->table[worth].level >= 3)
        worth++;
    p->n_tables = choices_ask(c, WALK_ASK_TABLES, n + 1, worth);
}

static struct walk_plan plan(const struct kern_request *rq, struct choices *c)
{
    const struct kern_params *q = &rq->params;
    struct walk_plan p = {
        .height = (unsigned)q->at[TREE_HEIGHT],
        .rounds = (uint32_t)q->at[TREE_ROUNDS],
        .batch = (uint32_t)q->at[TREE_BATCH],
        .tree = TREE_HEADER,
        .want_indices = rq->contract == TREE_INDICES,
    };
    const unsigned vlen = rq->machine.vlen;
    p.indices = p.tree + (2u << p.height) - 1;
    p.values = p.indices + p.batch;
    plan_tables(&p, c, vlen);
    /* The indices are read by nobody and written last: until then they are spare. */
    p.spare_words = p.batch / vlen < SPARE_AREAS ? p.batch / vlen * vlen : SPARE_AREAS * vlen;
    p.spare = p.values - p.spare_words;
    return p;
}

enum status tree_hash_best(const void *request, struct choices *choices, struct ir **out, struct diag *d)
{
    const struct kern_request *rq = request;
    *out = NULL;
    if (rq->contract == TREE_FULL)
        return tree_full(request, choices, out, d);
    struct ir *ir = ir_create(&rq->machine);
    if (!ir)
        return diag_set(d, ST_NOMEM, "out of memory");
    struct walk w = {.ir = ir, .choices = choices, .plan = plan(rq, choices)};
    walk_build(&w);
    vec_free(&w.consts);
    const enum status status = ir_status(ir, d);
    if (status == ST_OK)
        *out = ir;
    else
        ir_destroy(ir);
    return status;
}
