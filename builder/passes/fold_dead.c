#include "builder/passes/fold_dead.h"

#include <stdlib.h>
#include <string.h>

struct dead {
    struct ir *ir;
    uint32_t *word_at; /* of each block */
    uint32_t *home;    /* of each block, as ir_block_homes says */
    bool *live;        /* by virtual word: somebody reads it after the known_value in the walk */
    bool *read;        /* by virtual word: some op reads it, or a branch */
    bool *keep;        /* by op */
    size_t words;
};

static void mark(struct dead *x, struct ir_val v, bool *set, bool value)
{
    for (unsigned l = 0; v.block != IR_NONE && l < v.lanes; l++)
        set[x->word_at[v.block] + ir_word(v, l)] = value;
}

static void mark_sources(struct dead *x, const struct ir_op *op, bool *set)
{
    for (unsigned k = 0; k < op->form.sources; k++)
        mark(x, op->form.src[k], set, true);
    for (unsigned k = 0; ir_has_alt(op) && k < op->alt.sources; k++)
        mark(x, op->alt.src[k], set, true);
}

static bool is_read(const struct dead *x, struct ir_val v)
{
    for (unsigned l = 0; l < v.lanes; l++)
        if (x->live[x->word_at[v.block] + ir_word(v, l)])
            return true;
    return false;
}

/* Backwards through a region. What leaves it alive: words of several regions that
 * anybody reads. */
static void walk_region(struct dead *x, uint32_t region)
{
    const struct ir *ir = x->ir;
    for (size_t b = 0; b < ir->blocks.n; b++)
        for (unsigned k = 0; k < ir->blocks.at[b].words; k++)
            x->live[x->word_at[b] + k] =
                x->home[b] != IR_NONE && x->home[b] >= ir->regions.n && x->read[x->word_at[b] + k];
    mark(x, ir->regions.at[region].cond, x->live, true);
    for (uint32_t i = ir_region_end(ir, region); i-- > ir->regions.at[region].first_op;) {
        const struct ir_op *op = &ir->ops.at[i];
        x->keep[i] = !ir_has_dest(op) || is_read(x, op->dest);
        if (!x->keep[i])
            continue;
        mark(x, op->dest, x->live, false);
        mark_sources(x, op, x->live);
    }
}

static uint32_t remove_dead(struct dead *x)
{
    struct ir *ir = x->ir;
    uint32_t kept = 0;
    const uint32_t ops = (uint32_t)ir->ops.n;
    for (uint32_t r = 0, i = 0; r < ir->regions.n; r++) {
        const uint32_t end = ir_region_end(ir, r);
        ir->regions.at[r].first_op = kept;
        for (; i < end; i++)
            if (x->keep[i])
                ir->ops.at[kept++] = ir->ops.at[i];
    }
    ir->ops.n = kept;
    return ops - kept;
}

static uint32_t one_pass(struct dead *x)
{
    const struct ir *ir = x->ir;
    memset(x->read, 0, x->words * sizeof *x->read);
    (void)ir_block_homes(ir, x->home);
    for (size_t i = 0; i < ir->ops.n; i++)
        mark_sources(x, &ir->ops.at[i], x->read);
    for (uint32_t r = 0; r < ir->regions.n; r++)
        mark(x, ir->regions.at[r].cond, x->read, true);
    for (uint32_t r = 0; r < ir->regions.n; r++)
        walk_region(x, r);
    return remove_dead(x);
}

bool fold_dead(struct ir *ir, uint32_t *dead)
{
    struct dead x = {.ir = ir};
    x.word_at = malloc((ir->blocks.n + 1) * sizeof *x.word_at);
    x.home = malloc((ir->blocks.n + 1) * sizeof *x.home);
    for (size_t b = 0; x.word_at && b < ir->blocks.n; b++) {
        x.word_at[b] = (uint32_t)x.words;
        x.words += ir->blocks.at[b].words;
    }
    x.live = malloc(x.words + 1);
    x.read = malloc(x.words + 1);
    x.keep = malloc(ir->ops.n + 1);
    const bool good = x.word_at && x.home && x.live && x.read && x.keep;
    for (uint32_t removed = 1; good && removed;) {
        removed = one_pass(&x);
        *dead += removed;
    }
    free(x.word_at);
    free(x.home);
    free(x.live);
    free(x.read);
    free(x.keep);
    return good;
}
