#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/random_ir.h"

/* The kernel being drawn. A word is good when its value is defined by the ir alone;
 * lanes computed from words nobody has written are not, and stay away from memory,
 * addresses and conditions. */
struct draw {
    struct rng *r;
    struct ir *ir;
    VEC(struct ir_val) vals; /* whole blocks that may be read and overwritten */
    VEC(bool) good;          /* by virtual word */
    VEC(uint32_t) word_at;   /* of each block */
    unsigned nest;           /* open loops and skips */
    unsigned budget;         /* ops to go */
    bool tails;              /* regions may still be opened */
};

static uint32_t below(struct draw *d, uint32_t n)
{
    return rng_below(d->r, n);
}
static bool one_in(struct draw *d, uint32_t n)
{
    return below(d, n) == 0;
}
static unsigned vlen_of(const struct draw *d)
{
    return d->ir->machine.vlen;
}

struct isa_machine rir_draw_machine(struct rng *r)
{
    static const uint8_t vlens[] = {8, 8, 8, 4, 1, 2, 3, 5, 16};
    struct isa_machine m = isa_default_machine();
    m.vlen = vlens[rng_below(r, sizeof vlens)];
    if (rng_below(r, 2))
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            m.slots[e] = 1 + rng_below(r, e == ENGINE_ALU ? 14 : 4);
    if (rng_below(r, 24) == 0)
        m.slots[rng_below(r, ENGINE_DEBUG)] = 0;
    if (rng_below(r, 2))
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            m.latency[e] = 1 + rng_below(r, rng_below(r, 8) ? 5 : ISA_MAX_LATENCY);
    m.scratch = rng_below(r, 2) ? RIR_MAX_WORDS : 16 * m.vlen + rng_below(r, 300);
    return m;
}

/* --- words ------------------------------------------------------------------- */

/* Blocks that the ir made since the last call. Constants are good at once. */
static void note_blocks(struct draw *d)
{
    const struct ir *ir = d->ir;
    if (ir->status != ST_OK)
        return;
    for (size_t b = d->word_at.n; b < ir->blocks.n; b++) {
        rir_need(vec_push(&d->word_at, (uint32_t)d->good.n));
        for (unsigned k = 0; k < ir->blocks.at[b].words; k++)
            rir_need(vec_push(&d->good, false));
    }
    for (size_t i = 0; i < ir->consts.n; i++) {
        const struct ir_const *c = &ir->consts.at[i];
        for (unsigned k = 0; c->scalar.block != IR_NONE && k < c->scalar.lanes; k++)
            d->good.at[d->word_at.at[c->scalar.block] + k] = true;
        for (unsigned k = 0; c->vector.block != IR_NONE && k < c->vector.lanes; k++)
            d->good.at[d->word_at.at[c->vector.block] + k] = true;
    }
    d->good.at[d->word_at.at[ir->zero.block]] = true;
}

static bool *good(struct draw *d, struct ir_val v, unsigned lane)
{
    note_blocks(d);
    return &d->good.at[d->word_at.at[v.block] + ir_word(v, lane)];
}

static bool all_good(struct draw *d, struct ir_val v)
{
    for (unsigned l = 0; l < v.lanes; l++)
        if (!*good(d, v, l))
            return false;
    return true;
}

static void set_good(struct draw *d, struct ir_val dest, const struct ir_val *src, unsigned n)
{
    for (unsigned l = 0; l < dest.lanes; l++) {
        bool g = true;
        for (unsigned k = 0; k < n; k++)
            g = g && *good(d, src[k], src[k].lanes == 1 ? 0 : l);
        *good(d, dest, l) = g;
    }
}

static void keep(struct draw *d, struct ir_val v)
{
    note_blocks(d);
    if (d->ir->status == ST_OK)
        rir_need(vec_push(&d->vals, v));
}

static uint32_t number(struct draw *d)
{
    static const uint32_t corners[] = {0, 1, 2, 31, 32, 0x7fffffff, 0x80000000, 0xffffffff};
    return one_in(d, 3)   ? corners[below(d, sizeof corners / sizeof *corners)]
           : one_in(d, 2) ? below(d, 20)
                          : (uint32_t)rng_next(d->r);
}

static struct ir_val constant(struct draw *d, unsigned lanes)
{
    struct ir_val v =
        lanes == vlen_of(d) && lanes > 1 ? ir_vconst(d->ir, number(d)) : ir_const(d->ir, number(d));
    if (v.lanes != lanes)
        v = ir_view(v, 0, 0, lanes);
    note_blocks(d);
    return v;
}

/* A view of `lanes` words of some block, `stride` apart if it is not negative. */
static bool view(struct draw *d, unsigned lanes, int stride, struct ir_val *out)
{
    if (!d->vals.n)
        return false;
    const uint32_t n = (uint32_t)d->vals.n, recent = n < 12 ? n : 12;
    const struct ir_val v = d->vals.at[one_in(d, 3) ? below(d, n) : n - 1 - below(d, recent)];
    const unsigned words = d->ir->blocks.at[v.block].words;
    const unsigned step = lanes == 1 ? 1 : stride >= 0 ? (unsigned)stride : below(d, 4);
    const unsigned span = (lanes - 1) * step + 1;
    if (span > words)
        return false;
    *out = ir_view((struct ir_val){v.block, 0, 1, 1}, one_in(d, 2) ? 0 : below(d, words - span + 1), step,
                   lanes);
    return true;
}

/* A source: mostly of good words, always if `must`. */
static struct ir_val source(struct draw *d, unsigned lanes, int stride, bool must)
{
    for (unsigned try = 0; try < 10; try++) {
        struct ir_val v;
        if (!one_in(d, 8) && view(d, lanes, stride, &v) && (all_good(d, v) || (!must && one_in(d, 3))))
            return v;
    }
    return constant(d, lanes);
}

/* --- ops --------------------------------------------------------------------- */

static bool same_or_apart(struct ir_val dest, struct ir_val src)
{
    return dest.block != src.block || dest.lanes == 1 || (dest.word == src.word && dest.stride == src.stride);
}

static void draw_alu(struct draw *d)
{
    const unsigned vlen = vlen_of(d);
    const unsigned lanes = one_in(d, 4) ? 1 : one_in(d, 4) ? 1 + below(d, 2 * vlen) : vlen;
    const int stride = lanes == vlen && !one_in(d, 4) ? 1 : -1;
    const enum isa_op op = (enum isa_op)below(d, ISA_BINARIES);
    const bool into = one_in(d, 3);
    const bool must = into && d->nest;
    struct ir_val s[2] = {source(d, lanes, stride, must), source(d, lanes, stride, must)}, dest;
    if (isa_info(op)->partial) { /* a divisor that is not 0, whatever it is */
        const struct ir_val any = s[1];
        s[1] = ir_alu(d->ir, OP_ALU_OR, any,
                      lanes == vlen && lanes > 1 ? ir_vconst(d->ir, 1) : ir_const(d->ir, 1));
        set_good(d, s[1], &any, 1);
    }
    if (into && view(d, lanes, one_in(d, 2) ? 1 : 2, &dest) && same_or_apart(dest, s[0]) &&
        same_or_apart(dest, s[1])) {
        ir_alu_into(d->ir, dest, op, s[0], s[1]);
        set_good(d, dest, s, 2);
        return;
    }
    dest = ir_alu(d->ir, op, s[0], s[1]);
    keep(d, dest);
    set_good(d, dest, s, 2);
}

static void draw_wide(struct draw *d)
{
    const unsigned lanes = vlen_of(d);
    struct ir_val s[3], dest;
    for (unsigned k = 0; k < 3; k++)
        s[k] = source(d, lanes, 1, false);
    switch (below(d, 4)) {
    case 0: dest = ir_madd(d->ir, s[0], s[1], s[2]); break;
    case 1: dest = ir_select(d->ir, s[0], s[1], s[2]); break;
    case 2: {
        const struct ir_val one = lanes > 1 ? ir_vconst(d->ir, 1) : ir_const(d->ir, 1);
        const struct ir_val bit = ir_alu(d->ir, OP_ALU_AND, s[0], one);
        set_good(d, bit, s, 1);
        s[0] = bit;
        const struct ir_val diff = ir_alu(d->ir, OP_ALU_SUB, s[1], s[2]);
        set_good(d, diff, s + 1, 2);
        dest = ir_choose(d->ir, s[0], s[1], s[2], diff);
        break;
    }
    default:
        s[0] = s[1] = s[2] = source(d, 1, 1, false);
        dest = ir_broadcast(d->ir, s[0]);
        break;
    }
    keep(d, dest);
    set_good(d, dest, s, 3);
}

static void draw_select(struct draw *d)
{
    struct ir_val s[3];
    for (unsigned k = 0; k < 3; k++)
        s[k] = source(d, 1, 1, false);
    const struct ir_val dest = ir_select(d->ir, s[0], s[1], s[2]);
    keep(d, dest);
    set_good(d, dest, s, 3);
}

/* --- memory ------------------------------------------------------------------ */

/* Addresses for moves of `words` words each, one for each lane. */
static struct ir_val address(struct draw *d, unsigned lanes, unsigned words, struct ir_mem *mem)
{
    if (lanes == 1 && one_in(d, 2)) {
        *mem = (struct ir_mem){below(d, RIR_MEM - words + 1), words};
        return ir_const(d->ir, mem->first);
    }
    const uint32_t capacity = 1u << below(d, 6), base = below(d, RIR_MEM - words - capacity + 1);
    *mem = one_in(d, 8) ? IR_ANYWHERE : (struct ir_mem){base, capacity - 1 + words};
    const struct ir_val v = source(d, lanes, 1, true), whole[2] = {v, v};
    const bool wide = lanes > 1 && lanes == vlen_of(d);
    const struct ir_val t =
        ir_alu(d->ir, OP_ALU_AND, v, wide ? ir_vconst(d->ir, capacity - 1) : ir_const(d->ir, capacity - 1));
    set_good(d, t, whole, 2);
    const struct ir_val a =
        ir_alu(d->ir, OP_ALU_ADD, t, wide ? ir_vconst(d->ir, base) : ir_const(d->ir, base));
    set_good(d, a, whole, 2);
    return a;
}

static void draw_load(struct draw *d)
{
    const unsigned vlen = vlen_of(d), lanes = one_in(d, 2) ? vlen : 1;
    struct ir_mem mem;
    struct ir_val dest;
    if (one_in(d, 4)) {
        const struct ir_val a = address(d, vlen, 1, &mem);
        dest = ir_gather(d->ir, a, mem);
        keep(d, dest);
        set_good(d, dest, &dest, 0);
        return;
    }
    const struct ir_val a = address(d, 1, lanes, &mem);
    if (one_in(d, 3) && view(d, lanes, 1, &dest)) {
        ir_load_into(d->ir, dest, a, mem);
    } else {
        dest = lanes > 1 ? ir_vload(d->ir, a, mem) : ir_load(d->ir, a, mem);
        keep(d, dest);
    }
    set_good(d, dest, &dest, 0);
}

/* Several loads whose words overlap, later ones overwriting what earlier ones left. */
static void draw_records(struct draw *d)
{
    const unsigned vlen = vlen_of(d), step = 1 + below(d, vlen);
    const struct ir_val block =
        ir_block(d->ir, (uint16_t)(step * (vlen - 1) + vlen), one_in(d, 2) ? "records" : NULL);
    struct ir_mem mem;
    const struct ir_val a = address(d, vlen, vlen, &mem);
    keep(d, block);
    for (unsigned l = 0; l < vlen; l++) {
        const struct ir_val dest = ir_view(block, l * step, 1, vlen);
        ir_load_into(d->ir, dest, ir_lane(a, l), mem);
        set_good(d, dest, &dest, 0);
    }
}

static void draw_store(struct draw *d)
{
    const unsigned lanes = one_in(d, 3) ? 1 : vlen_of(d);
    struct ir_mem mem;
    const struct ir_val a = address(d, 1, lanes, &mem);
    ir_store(d->ir, a, source(d, lanes, 1, true), mem);
}

/* --- control ----------------------------------------------------------------- */

static void draw_ops(struct draw *d, unsigned n);

static void draw_loop(struct draw *d)
{
    struct ir *ir = d->ir;
    const struct ir_val counter = ir_scalar(ir, "counter");
    ir_alu_into(ir, counter, OP_ALU_OR, ir_const(ir, 1 + below(d, 4)), ir->zero);
    const uint32_t loop = ir_loop(ir);
    d->nest++;
    draw_ops(d, below(d, 12));
    d->nest--;
    const bool early = one_in(d, 2);
    if (early)
        ir_alu_into(ir, counter, OP_ALU_SUB, counter, ir_const(ir, 1));
    draw_ops(d, early ? below(d, 6) : 0);
    if (!early)
        ir_alu_into(ir, counter, OP_ALU_SUB, counter, ir_const(ir, 1));
    ir_loop_while(ir, loop, counter);
}

/* Past the skip a word is good if it is so on both ways. */
static void draw_skip(struct draw *d)
{
    const uint32_t skip = ir_skip(d->ir, source(d, 1, 1, true));
    note_blocks(d);
    const size_t n = d->good.n;
    bool *before = malloc(n + 1);
    rir_need(before != NULL);
    memcpy(before, d->good.at, n);
    d->nest++;
    draw_ops(d, below(d, 8));
    d->nest--;
    ir_here(d->ir, skip);
    note_blocks(d);
    for (size_t i = 0; i < d->good.n; i++)
        d->good.at[i] = d->good.at[i] && i < n && before[i];
    free(before);
    note_blocks(d);
}

static void draw_op(struct draw *d)
{
    ir_strand(d->ir, one_in(d, 4) ? IR_SHARED : below(d, 5));
    switch (below(d, 16)) {
    case 0: draw_select(d); break;
    case 1: draw_load(d); break;
    case 2: draw_load(d); break;
    case 3: draw_records(d); break;
    case 4:
    case 5: draw_store(d); break;
    case 6:
    case 7:
    case 8: draw_wide(d); break;
    case 9:
        if (d->tails && d->nest < 2 && one_in(d, 3))
            draw_loop(d);
        break;
    case 10:
        if (d->tails && d->nest < 2 && one_in(d, 3))
            draw_skip(d);
        break;
    default: draw_alu(d); break;
    }
}

static void draw_ops(struct draw *d, unsigned n)
{
    for (; n && d->budget; n--, d->budget--)
        draw_op(d);
}

struct ir *rir_draw(struct rng *r, const struct isa_machine *machine)
{
    struct draw d = {.r = r, .ir = ir_create(machine)};
    rir_need(d.ir != NULL);
    d.budget = 4 + rng_below(r, rng_below(r, 4) ? 40 : 160);
    d.tails = rng_below(r, 3) == 0;
    note_blocks(&d);
    draw_ops(&d, d.budget);
    for (unsigned i = 0; i < 10; i++)
        draw_store(&d);
    vec_free(&d.vals);
    vec_free(&d.good);
    vec_free(&d.word_at);
    return d.ir;
}
