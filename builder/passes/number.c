#include "builder/passes/number.h"

#include <stdlib.h>
#include <string.h>

#include "builder/ir/ir_make.h"
#include "builder/passes/fold.h"

#define NOBODY UINT32_MAX
enum { MANY_WORDS = 4096 }; /* of a range: more are forgotten all at once */

/* A virtual word. Ops are numbered from 1: 0 is before the region. */
struct word {
    uint32_t writer; /* the op that wrote it last */
    uint32_t writes; /* in the whole program */
    uint32_t reads;
    uint32_t block; /* it is a copy of `at` of this block; IR_NONE: of none */
    uint32_t at;
};

/* A word of memory. */
struct cell {
    uint32_t address, region; /* of another region: nothing is known */
    uint32_t block, at;       /* what it holds, where values == the walk's */
    uint32_t values;
    uint32_t store, stores; /* the op that stored it last, unread, where stores == the walk's */
};

struct number {
    struct ir *ir;
    struct number_counts *n;
    uint32_t *word_at; /* of each block */
    struct word *words;
    uint32_t *table, table_mask; /* of ops by what they compute */
    struct cell *cells;
    uint32_t cell_mask, cells_used;
    uint32_t values, stores; /* what is known of memory is of this time */
    uint8_t *overwritten;    /* by op: words of the store that were stored again unread */
    bool *gone;              /* by op */
    VEC(uint32_t) region_stores;
    uint32_t region, first;
    bool failed;
};

static struct word *word_of(const struct number *x, struct ir_val v, unsigned lane)
{
    return &x->words[x->word_at[v.block] + ir_word(v, lane)];
}

/* --- operands ------------------------------------------------------------------------ */

/* What `v` is a copy of, word by word and as far apart; `v` where it is none. */
static struct ir_val original(const struct number *x, struct ir_val v)
{
    if (v.block == IR_NONE)
        return v;
    const struct word *first = word_of(x, v, 0);
    if (first->block == IR_NONE)
        return v;
    for (unsigned l = 1; l < v.lanes; l++) {
        const struct word *w = word_of(x, v, l);
        if (w->block != first->block || w->at != first->at + l * v.stride)
            return v;
    }
    return (struct ir_val){first->block, (uint16_t)first->at, v.stride, v.lanes};
}

/* Whether none of the words was written by op `since` or a later one. */
static bool unchanged(const struct number *x, struct ir_val v, uint32_t since)
{
    for (unsigned l = 0; l < v.lanes; l++)
        if (word_of(x, v, l)->writer >= since)
            return false;
    return true;
}

/* Whether the words hold what op `writer` wrote, and always will. */
static bool lasts(const struct number *x, struct ir_val v, uint32_t writer)
{
    for (unsigned l = 0; l < v.lanes; l++)
        if (word_of(x, v, l)->writer != writer || word_of(x, v, l)->writes != 1)
            return false;
    return true;
}

static bool same_val(struct ir_val a, struct ir_val b)
{
    return a.block == b.block && a.word == b.word && a.stride == b.stride && a.lanes == b.lanes;
}

static void copy(struct number *x, struct ir_val dest, struct ir_val from)
{
    for (unsigned l = 0; l < dest.lanes; l++) {
        struct word *w = word_of(x, dest, l);
        w->block = from.block;
        w->at = ir_word(from, l);
    }
}

/* --- ops by what they compute -------------------------------------------------------- */

static bool has_literal(const struct ir_op *op)
{
    return isa_has_literal((enum isa_op)op->form.op);
}

static bool same_op(const struct ir_op *a, const struct ir_op *b)
{
    bool same = a->form.op == b->form.op && a->lanes == b->lanes && a->form.sources == b->form.sources &&
                a->dest.stride == b->dest.stride && (!has_literal(a) || a->literal == b->literal) &&
                a->mem.first == b->mem.first && a->mem.words == b->mem.words;
    for (unsigned k = 0; same && k < a->form.sources; k++)
        same = same_val(a->form.src[k], b->form.src[k]);
    return same;
}

static uint32_t mix(uint32_t h, uint32_t value)
{
    h = (h ^ value) * 0x9e3779b1u;
    return h ^ h >> 15;
}

static uint32_t hash_of(const struct ir_op *op)
{
    uint32_t h = mix(op->form.op, op->lanes);
    if (has_literal(op))
        h = mix(h, (uint32_t)op->literal);
    for (unsigned k = 0; k < op->form.sources; k++)
        h = mix(mix(h, op->form.src[k].block), op->form.src[k].word);
    return h;
}

static bool meet(struct ir_mem a, struct ir_mem b)
{
    return (uint64_t)a.first < (uint64_t)b.first + b.words && (uint64_t)b.first < (uint64_t)a.first + a.words;
}

/* Whether some store since op `since` may have changed the words. */
static bool stored_since(const struct number *x, struct ir_mem m, uint32_t since)
{
    for (size_t i = x->region_stores.n; i-- > 0 && x->region_stores.at[i] > since;)
        if (meet(x->ir->ops.at[x->region_stores.at[i] - 1].mem, m))
            return true;
    return false;
}

/* Whether op `e` computed what `op` does, and it is still there. */
static bool stands_for(const struct number *x, uint32_t e, const struct ir_op *op)
{
    const struct ir_op *old = &x->ir->ops.at[e - 1];
    if (!same_op(old, op) || !lasts(x, old->dest, e))
        return false;
    for (unsigned k = 0; k < op->form.sources; k++)
        if (!unchanged(x, op->form.src[k], e))
            return false;
    return !isa_is_load((enum isa_op)op->form.op) || !stored_since(x, op->mem, e);
}

/* The earlier op that stands for op i, or 0; op i is found from now on. */
static uint32_t look_up(struct number *x, uint32_t i)
{
    const struct ir_op *op = &x->ir->ops.at[i - 1];
    uint32_t h = hash_of(op) & x->table_mask, found = 0;
    for (unsigned tries = 0; x->table[h] > x->first && tries < 16; tries++, h = (h + 1) & x->table_mask)
        if (stands_for(x, x->table[h], op)) {
            found = x->table[h];
            break;
        }
    if (!found)
        x->table[h] = i;
    return found;
}

/* --- memory -------------------------------------------------------------------------- */

static bool is_exact(const struct ir_op *op)
{
    return op->mem.words == op->lanes && op->mem.first <= UINT32_MAX - op->lanes;
}

static struct cell *cell_at(const struct number *x, uint32_t address)
{
    uint32_t h = mix(address, 1) & x->cell_mask;
    while (x->cells[h].region != NOBODY && x->cells[h].address != address)
        h = (h + 1) & x->cell_mask;
    return &x->cells[h];
}

static bool grow_cells(struct number *x)
{
    struct cell *old = x->cells;
    const uint32_t n = old ? x->cell_mask + 1 : 0, room = n ? 2 * n : 1024;
    x->cells = malloc(room * sizeof *x->cells);
    if (!x->cells) {
        x->cells = old;
        return false;
    }
    memset(x->cells, 0xff, room * sizeof *x->cells);
    x->cell_mask = room - 1;
    for (uint32_t i = 0; i < n; i++)
        if (old[i].region != NOBODY)
            *cell_at(x, old[i].address) = old[i];
    free(old);
    return true;
}

/* The word's cell, of this region; NULL when out of memory. */
static struct cell *cell(struct number *x, uint32_t address)
{
    if (2 * (x->cells_used + 1) > x->cell_mask && !grow_cells(x)) {
        x->failed = true;
        return NULL;
    }
    struct cell *c = cell_at(x, address);
    x->cells_used += c->region == NOBODY;
    if (c->region != x->region)
        *c = (struct cell){
            .address = address, .region = x->region, .block = IR_NONE, .values = NOBODY, .stores = NOBODY};
    return c;
}

/* What was stored in the range is read. */
static void read_range(struct number *x, struct ir_mem m)
{
    if (m.words > MANY_WORDS) {
        x->stores++;
        return;
    }
    for (uint32_t k = 0; k < m.words && !x->failed; k++) {
        struct cell *c = cell(x, m.first + k);
        if (c)
            c->stores = NOBODY;
    }
}

static void forget_range(struct number *x, struct ir_mem m)
{
    if (m.words > MANY_WORDS) {
        x->values++;
        return;
    }
    for (uint32_t k = 0; k < m.words && !x->failed; k++) {
        struct cell *c = cell(x, m.first + k);
        if (c)
            c->values = NOBODY;
    }
}

/* The words that memory at `m` is a copy of; block IR_NONE: not known, or not so. */
static struct ir_val held_by(struct number *x, const struct ir_op *op)
{
    struct ir_val v = ir_no_val;
    for (unsigned l = 0; l < op->lanes; l++) {
        const struct cell *c = cell(x, op->mem.first + l);
        if (!c || c->values != x->values || c->block == IR_NONE)
            return ir_no_val;
        if (l == 0)
            v = (struct ir_val){c->block, (uint16_t)c->at, 1, op->lanes};
        else if (c->block != v.block || c->at != v.word + l)
            return ir_no_val;
    }
    for (unsigned l = 0; l < v.lanes; l++)
        if (word_of(x, v, l)->writes != 1 || !word_of(x, v, l)->writer)
            return ir_no_val;
    return v;
}

/* Memory at the op's words is what `v` holds. */
static void hold(struct number *x, const struct ir_op *op, struct ir_val v)
{
    for (unsigned l = 0; l < op->lanes && !x->failed; l++) {
        struct cell *c = cell(x, op->mem.first + l);
        if (!c)
            return;
        const struct word *w = word_of(x, v, l);
        c->values = w->writes == 1 && w->writer ? x->values : NOBODY;
        c->block = v.block;
        c->at = ir_word(v, l);
    }
}

static void store(struct number *x, uint32_t i)
{
    const struct ir_op *op = &x->ir->ops.at[i - 1];
    if (!vec_push(&x->region_stores, i))
        x->failed = true;
    if (!is_exact(op)) {
        forget_range(x, op->mem);
        return;
    }
    for (unsigned l = 0; l < op->lanes && !x->failed; l++) {
        struct cell *c = cell(x, op->mem.first + l);
        if (!c)
            return;
        if (c->stores == x->stores && ++x->overwritten[c->store - 1] == x->ir->ops.at[c->store - 1].lanes) {
            x->gone[c->store - 1] = true;
            x->n->stores++;
        }
        c->store = i;
        c->stores = x->stores;
    }
    hold(x, op, op->form.src[1]);
}

/* --- products and sums --------------------------------------------------------------- */

/* The product that operand k of a sum is, if nobody else reads it and it could be computed here; or NULL. */
static const struct ir_op *product(const struct number *x, const struct ir_op *op, unsigned k)
{
    const struct ir_val v = op->form.src[k];
    const uint32_t writer = v.lanes == x->ir->machine.vlen && v.stride == 1 ? word_of(x, v, 0)->writer : 0;
    if (writer <= x->first || !lasts(x, v, writer))
        return NULL;
    const struct ir_op *p = &x->ir->ops.at[writer - 1];
    if (p->form.op != OP_ALU_MUL || p->alu_only || !same_val(p->dest, v))
        return NULL;
    for (unsigned l = 0; l < v.lanes; l++)
        if (word_of(x, v, l)->reads != 1)
            return NULL;
    return unchanged(x, p->form.src[0], writer) && unchanged(x, p->form.src[1], writer) ? p : NULL;
}

static void fuse(struct number *x, struct ir_op *op)
{
    if (op->form.op != OP_ALU_ADD || op->alu_only || op->lanes != x->ir->machine.vlen ||
        !x->ir->machine.slots[ENGINE_VALU] || same_val(op->form.src[0], op->form.src[1]))
        return;
    for (unsigned k = 0; k < 2; k++) {
        const struct ir_op *p = product(x, op, k);
        if (!p)
            continue;
        op->form = ir_form(OP_MULTIPLY_ADD, 3, p->form.src[0], p->form.src[1], op->form.src[1 - k]);
        x->n->fused++;
        return;
    }
}

/* --- the walk ------------------------------------------------------------------------ */

static void write(struct number *x, const struct ir_op *op, uint32_t i)
{
    for (unsigned l = 0; l < op->dest.lanes; l++) {
        struct word *w = word_of(x, op->dest, l);
        w->writer = i;
        w->block = IR_NONE;
    }
}

static void number_op(struct number *x, uint32_t i)
{
    struct ir_op *op = &x->ir->ops.at[i - 1];
    for (unsigned k = 0; k < op->form.sources; k++)
        op->form.src[k] = original(x, op->form.src[k]);
    for (unsigned k = 0; ir_has_alt(op) && k < op->alt.sources; k++)
        op->alt.src[k] = original(x, op->alt.src[k]);
    if (isa_is_store((enum isa_op)op->form.op)) {
        store(x, i);
        return;
    }
    const bool load = isa_is_load((enum isa_op)op->form.op) && op->form.op != OP_CONST;
    struct ir_val from = ir_no_val;
    fuse(x, op);
    if (load && is_exact(op))
        from = held_by(x, op);
    if (from.block == IR_NONE) {
        const uint32_t e = ir_has_dest(op) ? look_up(x, i) : 0;
        from = e ? x->ir->ops.at[e - 1].dest : from;
    }
    if (load)
        read_range(x, op->mem);
    write(x, op, i);
    if (from.block != IR_NONE) {
        copy(x, op->dest, from);
        load ? x->n->loads++ : x->n->repeated++;
    } else if (load && is_exact(op)) {
        hold(x, op, op->dest);
    }
}

static void number_region(struct number *x, uint32_t region)
{
    struct ir_region *r = &x->ir->regions.at[region];
    x->region = region;
    x->first = r->first_op;
    x->values++;
    x->stores++;
    x->region_stores.n = 0;
    for (size_t b = 0; b < x->ir->blocks.n; b++)
        for (uint32_t k = 0; k < x->ir->blocks.at[b].words; k++) {
            x->words[x->word_at[b] + k].writer = 0;
            x->words[x->word_at[b] + k].block = IR_NONE;
        }
    for (uint32_t i = r->first_op; i < ir_region_end(x->ir, region) && !x->failed; i++)
        number_op(x, i + 1);
    if (r->cond.block != IR_NONE)
        r->cond = original(x, r->cond);
}

static void count(struct number *x, struct ir_val v, bool writes)
{
    for (unsigned l = 0; v.block != IR_NONE && l < v.lanes; l++)
        if (writes)
            word_of(x, v, l)->writes++;
        else
            word_of(x, v, l)->reads++;
}

static bool prepare(struct number *x)
{
    const struct ir *ir = x->ir;
    size_t words = 0;
    uint32_t room = 64;
    while (room < 2 * ir->ops.n)
        room *= 2;
    x->word_at = malloc((ir->blocks.n + 1) * sizeof *x->word_at);
    for (size_t b = 0; x->word_at && b < ir->blocks.n; b++) {
        x->word_at[b] = (uint32_t)words;
        words += ir->blocks.at[b].words;
    }
    x->words = calloc(words + 1, sizeof *x->words);
    x->table = calloc(room, sizeof *x->table);
    x->table_mask = room - 1;
    x->overwritten = calloc(ir->ops.n + 1, 1);
    x->gone = calloc(ir->ops.n + 1, sizeof *x->gone);
    if (!x->word_at || !x->words || !x->table || !x->overwritten || !x->gone || !grow_cells(x))
        return false;
    for (size_t i = 0; i < ir->ops.n; i++) {
        const struct ir_op *op = &ir->ops.at[i];
        count(x, op->dest, true);
        for (unsigned k = 0; k < op->form.sources; k++)
            count(x, op->form.src[k], false);
        for (unsigned k = 0; ir_has_alt(op) && k < op->alt.sources; k++)
            count(x, op->alt.src[k], false);
    }
    for (size_t r = 0; r < ir->regions.n; r++)
        count(x, ir->regions.at[r].cond, false);
    return true;
}

static void remove_gone(struct number *x)
{
    struct ir *ir = x->ir;
    uint32_t kept = 0;
    for (uint32_t r = 0, i = 0; r < ir->regions.n; r++) {
        const uint32_t end = ir_region_end(ir, r);
        ir->regions.at[r].first_op = kept;
        for (; i < end; i++)
            if (!x->gone[i])
                ir->ops.at[kept++] = ir->ops.at[i];
    }
    ir->ops.n = kept;
}

static bool number_once(struct ir *ir, struct number_counts *counts)
{
    struct number x = {.ir = ir, .n = counts};
    uint32_t dead = 0;
    *counts = (struct number_counts){0};
    bool good = prepare(&x);
    for (uint32_t r = 0; good && r < ir->regions.n; r++) {
        number_region(&x, r);
        good = !x.failed;
    }
    if (good)
        remove_gone(&x);
    good = good && fold_dead(ir, &dead);
    free(x.word_at);
    free(x.words);
    free(x.table);
    free(x.cells);
    free(x.overwritten);
    free(x.gone);
    vec_free(&x.region_stores);
    return good;
}

/* Twice: stores are unread once the loads of what they store are gone. */
enum status number_ir(struct ir *ir, struct number_counts *counts, struct diag *d)
{
    struct number_counts first, then;
    if (!number_once(ir, &first) || !number_once(ir, &then))
        return diag_set(d, ST_NOMEM, "out of memory while numbering values");
    first.stores += then.stores;
    first.fused += then.fused;
    if (counts)
        *counts = first;
    return ST_OK;
}
