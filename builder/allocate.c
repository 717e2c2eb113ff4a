#include "builder/allocate.h"

#include <stdlib.h>
#include <string.h>

#include "builder/schedule.h"

/* When the words of a block are taken, in states: state c is scratch after cycle c.
 * A word written first in cycle w and read last in cycle r is taken in the states
 * w .. r - 1. */
struct life {
    uint32_t block, words;
    uint32_t from, to; /* half-open; empty for a block that nobody writes */
    uint32_t *end;     /* of each word; it is taken from `from` until then */
};

struct region_work {
    const struct ir *ir;
    const struct schedule *s;
    uint32_t region, length;
    struct allocation *a;
    VEC(struct life) lives;
    uint32_t *life_of;   /* of each block, IR_NONE: not a local one */
    uint32_t *ends;      /* space for life.end */
    uint32_t *free_from; /* of each scratch word */
    uint32_t *base;      /* of each life, in the way being tried */
};

/* --- lives ------------------------------------------------------------------- */

static void note_write(struct life *l, uint32_t word, uint32_t first, uint32_t last)
{
    if (first < l->from)
        l->from = first;
    if (l->end[word] < last + 1)
        l->end[word] = last + 1;
}

static void note_read(struct life *l, uint32_t word, uint32_t cycle)
{
    if (l->end[word] < cycle)
        l->end[word] = cycle;
}

static struct life *life(struct region_work *w, struct ir_val v)
{
    const uint32_t l = v.block == IR_NONE ? IR_NONE : w->life_of[v.block];
    return l == IR_NONE ? NULL : &w->lives.at[l];
}

static void note_op(struct region_work *w, uint32_t node)
{
    const struct ir_op *op = &w->ir->ops.at[w->ir->regions.at[w->region].first_op + node];
    const struct ir_form *form = ir_form_on(op, (enum isa_engine)w->s->engine[node]);
    const uint32_t start = w->s->start[node], finish = w->s->finish[node];
    for (unsigned k = 0; k < form->sources; k++) {
        struct life *l = life(w, form->src[k]);
        for (unsigned lane = 0; l && lane < form->src[k].lanes; lane++)
            note_read(l, ir_word(form->src[k], lane), finish);
    }
    struct life *l = life(w, op->dest);
    for (unsigned lane = 0; l && lane < op->dest.lanes; lane++)
        note_write(l, ir_word(op->dest, lane), start, finish);
}

/* Blocks of the region alone, in order of their numbers. */
static bool list_lives(struct region_work *w)
{
    const struct ir *ir = w->ir;
    size_t words = 0;
    for (size_t b = 0; b < ir->blocks.n; b++) {
        w->life_of[b] = IR_NONE;
        if (w->a->home[b] != w->region)
            continue;
        w->life_of[b] = (uint32_t)w->lives.n;
        if (!vec_push(&w->lives, (struct life){(uint32_t)b, ir->blocks.at[b].words, UINT32_MAX, 0, NULL}))
            return false;
        words += ir->blocks.at[b].words;
    }
    w->ends = calloc(words + 1, sizeof *w->ends);
    w->base = malloc((w->lives.n + 1) * sizeof *w->base);
    if (!w->ends || !w->base)
        return false;
    words = 0;
    for (size_t i = 0; i < w->lives.n; i++) {
        w->lives.at[i].end = w->ends + words;
        words += w->lives.at[i].words;
    }
    return true;
}

static void find_lives(struct region_work *w)
{
    const uint32_t ops = ir_region_end(w->ir, w->region) - w->ir->regions.at[w->region].first_op;
    for (uint32_t i = 0; i < ops; i++)
        note_op(w, i);
    const struct ir_val cond = w->ir->regions.at[w->region].cond;
    struct life *l = life(w, cond);
    if (l) /* a jump in a bundle of its own, at the end, still reads it */
        note_read(l, cond.word, w->length);
    for (size_t i = 0; i < w->lives.n; i++) {
        l = &w->lives.at[i];
        for (uint32_t k = 0; k < l->words; k++)
            if (l->to < l->end[k])
                l->to = l->end[k];
        if (l->from >= l->to)
            l->from = l->to = 0;
    }
}

/* The most words taken in any state. */
static bool find_peak(struct region_work *w)
{
    int64_t *change = calloc(w->length + 2u, sizeof *change);
    if (!change)
        return false;
    for (size_t i = 0; i < w->lives.n; i++)
        for (uint32_t k = 0; k < w->lives.at[i].words; k++)
            if (w->lives.at[i].end[k] > w->lives.at[i].from && w->lives.at[i].to) {
                change[w->lives.at[i].from]++;
                change[w->lives.at[i].end[k]]--;
            }
    int64_t taken = w->a->permanent;
    for (uint32_t c = 0; c <= w->length; c++) {
        taken += change[c];
        if (taken > w->a->peak) {
            w->a->peak = (uint32_t)taken;
            w->a->peak_region = w->region;
            w->a->peak_cycle = c;
        }
    }
    free(change);
    return true;
}

static int by_start(const void *x, const void *y)
{
    const struct life *a = x, *b = y;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a->words != b->words)
        return a->words > b->words ? -1 : 1;
    return a->block < b->block ? -1 : 1;
}

/* --- placing ----------------------------------------------------------------- */

/* A way to place blocks: which end of a gap (of all gaps of the same fit) is used by
 * those wider than a vector, by vectors, by smaller ones; whether places are at
 * multiples of the vector length; whether the tightest gap or the outermost is taken. */
struct way {
    bool high[3];
    bool aligned, tightest;
};

static unsigned class_of(const struct region_work *w, uint32_t words)
{
    const uint32_t vlen = w->ir->machine.vlen;
    return words > vlen ? 0 : words == vlen ? 1 : 2;
}

static uint32_t up(uint32_t x, uint32_t step)
{
    return (x + step - 1) / step * step;
}

/* The place for `words` words in the gap [begin, end), or IR_NONE. */
static uint32_t within(uint32_t begin, uint32_t end, uint32_t words, uint32_t step, bool high)
{
    uint32_t at = up(begin, step);
    if (at > end || end - at < words)
        return IR_NONE;
    if (high)
        at = (end - words) / step * step;
    return at;
}

/* The best place for a block that starts now. */
static uint32_t find_place(const struct region_work *w, const struct life *l, const struct way *way)
{
    const uint32_t limit = w->ir->machine.scratch;
    const unsigned class = class_of(w, l->words);
    const uint32_t step = way->aligned && class < 2 ? w->ir->machine.vlen : 1;
    uint32_t best = IR_NONE, least = UINT32_MAX;
    for (uint32_t p = w->a->permanent; p < limit; p++) {
        if (w->free_from[p] > l->from)
            continue;
        const uint32_t begin = p;
        while (p < limit && w->free_from[p] <= l->from)
            p++;
        uint32_t at = within(begin, p, l->words, step, way->high[class]);
        if (at == IR_NONE)
            at = within(begin, p, l->words, 1, way->high[class]);
        if (at == IR_NONE)
            continue;
        const uint32_t fit = way->tightest ? p - begin : 0;
        if (fit < least || (fit == least && way->high[class])) {
            best = at;
            least = fit;
        }
        if (!way->tightest && !way->high[class])
            break;
    }
    return best;
}

static bool try_way(struct region_work *w, const struct way *way)
{
    memset(w->free_from, 0, w->ir->machine.scratch * sizeof *w->free_from);
    for (size_t i = 0; i < w->lives.n; i++) {
        const struct life *l = &w->lives.at[i];
        const uint32_t at = find_place(w, l, way);
        if (at == IR_NONE)
            return false;
        w->base[i] = at;
        for (uint32_t k = 0; k < l->words && l->to; k++)
            if (l->end[k] > w->free_from[at + k])
                w->free_from[at + k] = l->end[k];
    }
    return true;
}

static const struct way ways[] = {
    {{true, false, true}, true, false},  {{true, false, true}, true, true},
    {{true, false, false}, true, true},  {{true, false, true}, false, true},
    {{true, false, false}, false, true}, {{true, false, true}, false, false},
    {{false, false, true}, true, false}, {{false, false, false}, false, true},
};

static enum status place_region(struct region_work *w)
{
    if (w->lives.n)
        qsort(w->lives.at, w->lives.n, sizeof *w->lives.at, by_start);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (try_way(w, &ways[i])) {
            for (size_t k = 0; k < w->lives.n; k++)
                w->a->at[w->lives.at[k].block] = w->base[k];
            return ST_OK;
        }
    return ST_LIMIT;
}

static enum status do_region(const struct ir *ir, const struct schedule *s, uint32_t region,
                             struct allocation *a)
{
    struct region_work w = {.ir = ir, .s = s, .region = region, .length = s->length, .a = a};
    w.life_of = malloc((ir->blocks.n + 1) * sizeof *w.life_of);
    w.free_from = malloc(((size_t)ir->machine.scratch + 1) * sizeof *w.free_from);
    enum status status = ST_NOMEM;
    if (w.life_of && w.free_from && list_lives(&w)) {
        find_lives(&w);
        if (find_peak(&w))
            status = w.a->peak > ir->machine.scratch ? ST_LIMIT : place_region(&w);
    }
    vec_free(&w.lives);
    free(w.life_of);
    free(w.ends);
    free(w.free_from);
    free(w.base);
    return status;
}

/* Blocks of several regions, from word 0 on; the zero word is among them. */
static uint64_t place_permanent(const struct ir *ir, struct allocation *a)
{
    uint64_t next = 0;
    for (size_t b = 0; b < ir->blocks.n; b++)
        if (a->home[b] != IR_NONE && a->home[b] >= ir->regions.n) {
            a->at[b] = (uint32_t)next;
            next += ir->blocks.at[b].words;
        }
    return next;
}

static enum status too_small(const struct ir *ir, const struct allocation *a, enum status status,
                             struct diag *d)
{
    const uint32_t words = ir->machine.scratch;
    if (status == ST_NOMEM)
        return diag_set(d, status, "out of memory for the allocation of scratch");
    if (a->peak > words)
        return diag_set(d, status,
                        "the kernel needs %u scratch words in cycle %u of region %u, the machine has %u",
                        a->peak, a->peak_cycle, a->peak_region, words);
    return diag_set(
        d, status,
        "the kernel needs %u scratch words in cycle %u of region %u; they could not be placed in the "
        "%u that the machine has, since blocks need consecutive words",
        a->peak, a->peak_cycle, a->peak_region, words);
}

enum status alloc_blocks(const struct ir *ir, const struct schedule *schedules, struct allocation *a,
                         struct diag *d)
{
    *a = (struct allocation){0};
    a->at = malloc((ir->blocks.n + 1) * sizeof *a->at);
    a->home = malloc((ir->blocks.n + 1) * sizeof *a->home);
    if (!a->at || !a->home)
        return too_small(ir, a, ST_NOMEM, d);
    for (size_t b = 0; b < ir->blocks.n; b++)
        a->at[b] = IR_NONE;
    (void)ir_block_homes(ir, a->home);
    const uint64_t permanent = place_permanent(ir, a);
    if (permanent > ir->machine.scratch)
        return diag_set(d, ST_LIMIT,
                        "blocks used in several regions need %llu scratch words, the machine has %u",
                        (unsigned long long)permanent, ir->machine.scratch);
    a->permanent = a->peak = (uint32_t)permanent;
    for (uint32_t r = 0; r < ir->regions.n; r++) {
        const enum status status = do_region(ir, &schedules[r], r, a);
        if (status != ST_OK)
            return too_small(ir, a, status, d);
    }
    return ST_OK;
}

void alloc_free(struct allocation *a)
{
    free(a->at);
    free(a->home);
    *a = (struct allocation){0};
}
