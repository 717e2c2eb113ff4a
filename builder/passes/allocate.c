#include "builder/passes/allocate.h"

#include <stdlib.h>
#include <string.h>

#include "builder/passes/schedule.h"

enum { MAX_MAP = 1 << 23, REPAIRS = 8 };

/* When the words of a block are taken, in states: state c is scratch after cycle c.
 * A word whose first value commits at the end of cycle w and that is read last in cycle r
 * is taken in the states w .. r - 1. */
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
    uint32_t *life_of; /* of each block, IR_NONE: not a local one */
    uint32_t *ends;    /* space for life.end */
    uint64_t *map;     /* see make_map */
    uint32_t words, row, shift;
    uint32_t base;            /* the map's first scratch word */
    const uint8_t *permanent; /* by scratch word: belongs to a block that keeps it */
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
    const uint32_t later = l ? w->ir->machine.latency[w->s->engine[node]] - 1 : 0;
    for (unsigned lane = 0; l && lane < op->dest.lanes; lane++)
        note_write(l, ir_word(op->dest, lane), start + later, finish + later);
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
    if (!w->ends)
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
        if (w->length < l->to) /* what nobody reads may commit when all is over */
            w->length = l->to;
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

/* --- the map of scratch and time ---------------------------------------------- */

/* A bit for each word and each span of 2^shift states: taken. */
static bool make_map(struct region_work *w)
{
    uint64_t words = 0;
    for (size_t i = 0; i < w->lives.n; i++)
        words += w->lives.at[i].words;
    const uint32_t scratch = w->ir->machine.scratch;
    w->base = 0;
    while (w->base < scratch && w->permanent[w->base])
        w->base++;
    const uint32_t capacity = scratch - w->base;
    /* Where what is kept has all its words in front, no more than this are ever looked at. */
    const bool holes = w->base < w->a->permanent;
    w->words = words < capacity && !holes ? (uint32_t)words : capacity;
    do
        w->row = (w->length >> w->shift) / 64 + 1;
    while (w->row * (uint64_t)w->words > MAX_MAP && ++w->shift < 32);
    w->map = malloc((w->row * (size_t)w->words + 1) * sizeof *w->map);
    return w->map != NULL;
}

/* The bits of spans [from, to) in the 64 that begin with span `first`. */
static uint64_t bits(uint32_t from, uint32_t to, uint32_t first)
{
    const uint64_t low = from > first ? UINT64_MAX << (from - first) : UINT64_MAX;
    const uint64_t high = to < first + 64 ? UINT64_MAX >> (first + 64 - to) : UINT64_MAX;
    return low & high;
}

/* Whether the word is taken in some of the states [from, to). */
static bool is_taken(const struct region_work *w, uint32_t word, uint32_t from, uint32_t to)
{
    if (from >= to)
        return false;
    const uint64_t *row = w->map + (size_t)word * w->row;
    from >>= w->shift;
    to = ((to - 1) >> w->shift) + 1;
    for (uint32_t first = from / 64 * 64; first < to; first += 64)
        if (row[first / 64] & bits(from, to, first))
            return true;
    return false;
}

static void take(struct region_work *w, uint32_t word, uint32_t from, uint32_t to)
{
    if (from >= to)
        return;
    uint64_t *row = w->map + (size_t)word * w->row;
    from >>= w->shift;
    to = ((to - 1) >> w->shift) + 1;
    for (uint32_t first = from / 64 * 64; first < to; first += 64)
        row[first / 64] |= bits(from, to, first);
}

/* --- placing ----------------------------------------------------------------- */

/* The lowest place for the block at a multiple of `step`, IR_NONE if there is none. */
static uint32_t find_place(const struct region_work *w, const struct life *l, uint32_t step)
{
    const uint32_t base = w->base;
    for (uint32_t p = 0; p + l->words <= w->words;) {
        const uint32_t off = (base + p) % step;
        if (off) {
            p += step - off;
            continue;
        }
        uint32_t k = l->words;
        while (k && !is_taken(w, p + k - 1, l->from, l->end[k - 1]))
            k--;
        if (!k)
            return p;
        p += k; /* past the last word that is taken */
    }
    return IR_NONE;
}

/* Places the lives in their order; the first that finds no place, or their number. */
static size_t place_all(struct region_work *w, bool aligned)
{
    const uint32_t vlen = w->ir->machine.vlen;
    memset(w->map, 0, w->row * (size_t)w->words * sizeof *w->map);
    for (uint32_t word = 0; word < w->words; word++)
        if (w->permanent[w->base + word])
            take(w, word, 0, w->length + 1);
    for (size_t i = 0; i < w->lives.n; i++) {
        const struct life *l = &w->lives.at[i];
        uint32_t at = IR_NONE;
        if (aligned && l->words >= vlen)
            at = find_place(w, l, vlen);
        if (at == IR_NONE)
            at = find_place(w, l, 1);
        if (at == IR_NONE)
            return i;
        w->a->at[l->block] = w->base + at;
        for (uint32_t k = 0; k < l->words; k++)
            take(w, at + k, l->from, l->end[k]);
    }
    return w->lives.n;
}

/* The wider first; of one width the earlier first. */
static int by_start(const void *x, const void *y)
{
    const struct life *a = x, *b = y;
    if (a->words != b->words)
        return a->words > b->words ? -1 : 1;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return a->block < b->block ? -1 : 1;
}

/* The wider first; of one width the longer first. */
static int by_length(const void *x, const void *y)
{
    const struct life *a = x, *b = y;
    const uint32_t m = a->to - a->from, n = b->to - b->from;
    if (a->words != b->words || m == n)
        return by_start(x, y);
    return m > n ? -1 : 1;
}

/* By words times states. */
static int by_area(const void *x, const void *y)
{
    const struct life *a = x, *b = y;
    const uint64_t m = (uint64_t)a->words * (a->to - a->from), n = (uint64_t)b->words * (b->to - b->from);
    if (m == n)
        return by_start(x, y);
    return m > n ? -1 : 1;
}

static const struct way {
    int (*order)(const void *, const void *);
    bool aligned; /* vectors and wider at multiples of the vector length, if possible */
} ways[] = {{by_area, true}, {by_length, true}, {by_area, false}, {by_start, false}, {by_start, true}};

/* Every way, then the last one again with whatever found no place moved to the front. */
static enum status place_region(struct region_work *w)
{
    struct life *l = w->lives.at;
    size_t stuck = 0;
    for (size_t i = sizeof ways / sizeof *ways; i-- > 0;) {
        if (w->lives.n)
            qsort(l, w->lives.n, sizeof *l, ways[i].order);
        stuck = place_all(w, ways[i].aligned);
        if (stuck == w->lives.n)
            return ST_OK;
    }
    for (unsigned i = 0; i < REPAIRS; i++) {
        const struct life first = l[stuck];
        memmove(l + 1, l, stuck * sizeof *l);
        l[0] = first;
        stuck = place_all(w, ways[0].aligned);
        if (stuck == w->lives.n)
            return ST_OK;
    }
    return ST_LIMIT;
}

static enum status do_region(const struct ir *ir, const struct schedule *s, uint32_t region,
                             const uint8_t *permanent, struct allocation *a)
{
    struct region_work w = {
        .ir = ir, .s = s, .region = region, .length = s->length, .a = a, .permanent = permanent};
    w.life_of = malloc((ir->blocks.n + 1) * sizeof *w.life_of);
    enum status status = ST_NOMEM;
    if (w.life_of && list_lives(&w)) {
        find_lives(&w);
        if (find_peak(&w) && make_map(&w))
            status = w.a->peak > ir->machine.scratch ? ST_LIMIT : place_region(&w);
    }
    vec_free(&w.lives);
    free(w.life_of);
    free(w.ends);
    free(w.map);
    return status;
}

/* Marks the words of a block that keeps them; false when they are not there or not free. */
static bool keep_words(uint8_t *permanent, uint32_t scratch, uint64_t at, uint32_t words)
{
    for (uint32_t k = 0; k < words; k++)
        if (at + k >= scratch || permanent[at + k])
            return false;
    memset(permanent + at, 1, words);
    return true;
}

/* Blocks that keep their words: those that are pinned, then each of the others at the first
 * words that are free, the zero word among them. The words needed; more than scratch has if
 * they find no place. */
static uint64_t place_permanent(const struct ir *ir, uint8_t *permanent, struct allocation *a)
{
    const uint32_t scratch = ir->machine.scratch;
    uint64_t needed = 0;
    bool placed = true;
    for (size_t b = 0; b < ir->blocks.n; b++)
        if (ir->blocks.at[b].pinned) {
            a->at[b] = ir->blocks.at[b].at;
            placed = keep_words(permanent, scratch, a->at[b], ir->blocks.at[b].words) && placed;
            needed += ir->blocks.at[b].words;
        }
    uint64_t next = 0;
    for (size_t b = 0; b < ir->blocks.n; b++) {
        if (ir->blocks.at[b].pinned || a->home[b] == IR_NONE || a->home[b] < ir->regions.n)
            continue;
        while (next < scratch && !keep_words(permanent, scratch, next, ir->blocks.at[b].words))
            next++;
        a->at[b] = (uint32_t)next;
        next += ir->blocks.at[b].words;
        needed += ir->blocks.at[b].words;
        placed = placed && next <= scratch;
    }
    return placed || needed > scratch ? needed : scratch + UINT64_C(1);
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

static enum status place(const struct ir *ir, const struct schedule *schedules, uint8_t *permanent,
                         struct allocation *a, struct diag *d)
{
    for (size_t b = 0; b < ir->blocks.n; b++)
        a->at[b] = IR_NONE;
    (void)ir_block_homes(ir, a->home);
    const uint64_t words = place_permanent(ir, permanent, a);
    if (words > ir->machine.scratch)
        return diag_set(d, ST_LIMIT,
                        "blocks used in several regions need %llu scratch words, the machine has %u",
                        (unsigned long long)words, ir->machine.scratch);
    a->permanent = a->peak = (uint32_t)words;
    for (uint32_t r = 0; r < ir->regions.n; r++) {
        const enum status status = do_region(ir, &schedules[r], r, permanent, a);
        if (status != ST_OK)
            return too_small(ir, a, status, d);
    }
    return ST_OK;
}

enum status alloc_blocks(const struct ir *ir, const struct schedule *schedules, struct allocation *a,
                         struct diag *d)
{
    *a = (struct allocation){0};
    a->at = malloc((ir->blocks.n + 1) * sizeof *a->at);
    a->home = malloc((ir->blocks.n + 1) * sizeof *a->home);
    uint8_t *permanent = calloc(ir->machine.scratch + UINT64_C(1), 1);
    const enum status status =
        a->at && a->home && permanent ? place(ir, schedules, permanent, a, d) : too_small(ir, a, ST_NOMEM, d);
    free(permanent);
    return status;
}

void alloc_free(struct allocation *a)
{
    free(a->at);
    free(a->home);
    *a = (struct allocation){0};
}
