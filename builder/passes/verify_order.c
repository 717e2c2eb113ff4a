/* What every access must find, by the order of the ir. */
#include <stdlib.h>

#include "builder/passes/verify_walk.h"

static uint64_t end_of(struct ir_mem m)
{
    return (uint64_t)m.first + m.words;
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void verify_cut_memory(struct verify_walk *w)
{
    VEC(uint32_t) cuts = {0};
    w->segments.n = 0;
    for (uint32_t i = w->first_op; i < w->end_op && !w->failed; i++) {
        const struct ir_op *op = &w->ir->ops.at[i];
        const uint64_t end = end_of(op->mem);
        if (isa_is_store((enum isa_op)op->form.op) &&
            (!vec_push(&cuts, op->mem.first) ||
             !vec_push(&cuts, end > UINT32_MAX ? UINT32_MAX : (uint32_t)end)))
            w->failed = true;
    }
    if (cuts.n)
        qsort(cuts.at, cuts.n, sizeof *cuts.at, by_value);
    for (size_t i = 1; i < cuts.n && !w->failed; i++)
        if (cuts.at[i - 1] < cuts.at[i] &&
            !vec_push(&w->segments, (struct verify_segment){cuts.at[i - 1], cuts.at[i], 0, 0}))
            w->failed = true;
    vec_free(&cuts);
}

struct prog_span verify_segments(const struct verify_walk *w, struct ir_mem m)
{
    uint32_t low = 0, high = (uint32_t)w->segments.n;
    while (low < high) {
        const uint32_t mid = (low + high) / 2;
        if (w->segments.at[mid].end <= m.first)
            low = mid + 1;
        else
            high = mid;
    }
    for (high = low; high < w->segments.n && w->segments.at[high].first < end_of(m);)
        high++;
    return (struct prog_span){low, high};
}

static void want_reads(struct verify_walk *w, const struct ir_op *op)
{
    for (unsigned f = 0; f < VERIFY_FORMS; f++)
        for (unsigned k = 0; k < IR_SOURCES; k++)
            for (unsigned lane = 0; lane < op->lanes; lane++) {
                const struct ir_form *form = verify_form(op, f);
                const bool used = form->op != OP_UNKNOWN && k < form->sources;
                const struct ir_val v = form->src[k];
                if (!vec_push(&w->want,
                              used ? w->held[w->word_at[v.block] + ir_word(v, lane)] : VERIFY_NOTHING))
                    w->failed = true;
            }
}

static void want_memory(struct verify_walk *w, const struct ir_op *op)
{
    const struct prog_span s = verify_segments(w, op->mem);
    for (uint32_t i = s.begin; i < s.end; i++) {
        if (!vec_push(&w->seen, w->segments.at[i].stores))
            w->failed = true;
        w->segments.at[i].stores += isa_is_store((enum isa_op)op->form.op);
    }
}

void verify_walk_ir(struct verify_walk *w)
{
    w->want.n = w->seen.n = 0;
    for (uint32_t i = w->first_op; i < w->end_op && !w->failed; i++) {
        const struct ir_op *op = &w->ir->ops.at[i];
        w->want_at[i] = (uint32_t)w->want.n;
        w->seen_at[i] = (uint32_t)w->seen.n;
        want_reads(w, op);
        if (isa_is_access((enum isa_op)op->form.op))
            want_memory(w, op);
        for (unsigned lane = 0; ir_has_dest(op) && lane < op->lanes; lane++)
            w->held[w->word_at[op->dest.block] + ir_word(op->dest, lane)] = w->lane_at[i] + lane;
    }
}
