#include "kernels/pq_index/flat.h"

/* --- choosing ------------------------------------------------------------------------ */

enum { LOAD, BITS, PICK, JOIN, DONE };
enum { LOAD_STEP = 16, PICK_STEP = 8 };

/* Vectors that are looked at on a level. */
static uint32_t vectors_of(const struct pq_sizes *z, const struct pq_pyramid *p, unsigned level)
{
    return (level + 1 == p->levels ? p->words[level] : z->kept * PQ_FAN + PQ_LANES - 1) / PQ_LANES;
}

/* What a chain leaves goes to a list of its own; that of the first one, joined by the
 * others', is the level's. */
static uint32_t chain_words(const struct pq_sizes *z)
{
    return pq_round_up(z->kept + 1, PQ_LANES);
}

uint32_t pq_flat_words(const struct pq_sizes *z)
{
    return 2 * (PQ_CHAINS + 1) * chain_words(z);
}

static uint32_t chain_offset(const struct pq_code *k, const struct pq_flat *f, unsigned level, unsigned chain)
{
    const uint32_t words = chain_words(&k->z);
    return f->lists + (level % 2) * (PQ_CHAINS + 1) * words + (chain ? chain + 1 : 0) * words;
}

/* Which chain a vector of the level belongs to. */
static unsigned chain_of(const struct pq_flat *f, uint32_t v)
{
    return v * PQ_CHAINS / f->vectors;
}

static uint32_t chain_room(const struct pq_code *k, unsigned chain)
{
    return chain_words(&k->z) * (chain ? 1 : 2);
}

static struct pq_cursor chain_cursor(struct pq_code *k, const struct pq_flat *f, unsigned level,
                                     unsigned chain)
{
    const uint32_t offset = chain_offset(k, f, level, chain);
    return pq_cursor(k, pq_add(k, k->at[PQ_WORK], offset), pq_work(k, offset, chain_room(k, chain)), true);
}

/* Begins to go through the level's vectors. The highest level is taken as it lies; of
 * others, groups of PQ_FAN words, whose addresses are the list of the level above. */
static void begin_vectors(struct pq_code *k, struct pq_flat *f)
{
    const struct pq_pyramid *p = f->pyramid;
    const uint32_t offset = p->offset[f->level], words = p->words[f->level];
    if (f->level + 1 < p->levels)
        f->source = chain_cursor(k, f, f->level + 1, 0);
    else
        f->source = pq_cursor(k, pq_add(k, k->at[PQ_WORK], offset), pq_work(k, offset, words), true);
}

/* The address of a group of vector v; groups that are not there go with the last one. */
static struct ir_val group_at(struct pq_code *k, struct pq_flat *f, uint32_t v, unsigned half)
{
    enum { GROUPS = PQ_LANES / PQ_FAN };
    const uint32_t group = v * GROUPS + half;
    if (group % PQ_LANES == 0) {
        struct ir_mem mem;
        const struct ir_val at = pq_next(k, &f->source, &mem);
        f->parents = ir_vload(k->ir, at, mem);
    }
    return ir_lane(f->parents, (group < k->z.kept ? group : k->z.kept - 1) % PQ_LANES);
}

/* The next vector, which is number v. Lanes of groups that are not there are 0. */
static struct ir_val load_vector(struct pq_code *k, struct pq_flat *f, uint32_t v)
{
    struct ir *ir = k->ir;
    struct ir_mem mem;
    if (f->level + 1 == f->pyramid->levels) {
        const struct ir_val at = pq_next(k, &f->source, &mem);
        return ir_vload(ir, at, mem);
    }
    mem = pq_work(k, f->pyramid->offset[f->level], f->pyramid->words[f->level] + PQ_LANES - PQ_FAN);
    const struct ir_val keys = ir_vector(ir, "keys");
    for (unsigned half = 0; half < PQ_LANES / PQ_FAN; half++) {
        const struct ir_val to = ir_lanes(keys, half * PQ_FAN, 1, PQ_FAN);
        struct ir_val from = ir_view(ir->zero, 0, 0, PQ_FAN);
        const bool there = v * PQ_LANES / PQ_FAN + half < k->z.kept;
        const struct ir_val at = group_at(k, f, v, half);
        if (there)
            from = ir_lanes(ir_vload(ir, at, mem), 0, 1, PQ_FAN);
        ir_alu_into(ir, to, OP_ALU_OR, from, ir->zero);
    }
    return keys;
}

/* What the lanes of vector v stand for: of level 0 their positions, of others the addresses
 * of their children. */
static struct ir_val lanes_of(struct pq_code *k, struct pq_flat *f, uint32_t v)
{
    struct ir *ir = k->ir;
    const unsigned chain = chain_of(f, v);
    const struct ir_val lanes = pq_ring_next(&f->lanes[chain]);
    if (f->level + 1 == f->pyramid->levels) {
        ir_alu_into(ir, lanes, OP_ALU_ADD, f->next[chain], k->ir->zero);
        pq_move(k, f->next[chain], PQ_LANES);
    } else {
        for (unsigned half = 0; half < PQ_LANES / PQ_FAN; half++)
            ir_alu_into(ir, ir_lanes(lanes, half * PQ_FAN, 1, PQ_FAN), OP_ALU_ADD,
                        ir_lanes(k->iota, 0, 1, PQ_FAN), group_at(k, f, v, half));
    }
    if (f->level)
        ir_alu_into(ir, lanes, OP_ALU_MUL, lanes, ir_vconst(ir, PQ_FAN));
    ir_alu_into(ir, lanes, OP_ALU_ADD, lanes, f->lane);
    return lanes;
}

/* Whether the cut is at or above one more bit. */
static void try_bit(struct pq_code *k, struct pq_flat *f, unsigned bit)
{
    struct ir *ir = k->ir;
    const uint32_t spare = f->vectors * PQ_LANES - k->z.kept;
    const struct ir_val higher = f->higher, each = ir_broadcast(ir, higher);
    struct ir_val sum[PQ_LANES] = {{0}};
    uint32_t n = 0;
    for (uint32_t v = 0; v < f->vectors; v++) {
        const struct ir_val below = ir_alu(ir, OP_ALU_LT, f->keys[v], each);
        sum[v % PQ_LANES] = v < PQ_LANES ? below : ir_alu(ir, OP_ALU_ADD, sum[v % PQ_LANES], below);
        n += v < PQ_LANES;
    }
    for (; n > 1; n = (n + 1) / 2)
        for (uint32_t i = 0; i < n / 2; i++)
            sum[i] = ir_alu(ir, OP_ALU_ADD, sum[i], sum[n - 1 - i]);
    const struct ir_val below = pq_sum(k, sum[0]);
    const struct ir_val good = ir_alu(ir, OP_ALU_LT, below, ir_const(ir, spare + 1));
    /* What is tried next is chosen from two sums, so that it need not wait for one. */
    if (bit) {
        const struct ir_val if_not = pq_add(k, f->least, 1u << (bit - 1));
        f->higher = ir_select(ir, good, pq_add(k, higher, 1u << (bit - 1)), if_not);
    }
    f->least = ir_select(ir, good, higher, f->least);
    f->below_next = ir_select(ir, good, f->below_next, below);
}

/* What comes after the last bit: the cut, and what lanes of kept words stand for. */
static void cut(struct pq_code *k, struct pq_flat *f)
{
    struct ir *ir = k->ir;
    const uint32_t spare = f->vectors * PQ_LANES - k->z.kept, *offset = f->pyramid->offset;
    const uint32_t here = k->z.first[PQ_WORK] + offset[f->level];
    const struct ir_val ties = ir_alu(ir, OP_ALU_SUB, f->below_next, ir_const(ir, spare));
    const struct ir_val least = ir_broadcast(ir, f->least);
    const struct ir_val equal = pq_set(k, ir_vconst(ir, 0));
    struct pq_ring ring = pq_ring(k, PQ_LANES, 4);
    uint32_t v = 0;
    for (unsigned c = 0; c < PQ_CHAINS; c++) {
        f->to[c] = pq_set(k, pq_add(k, k->at[PQ_WORK], chain_offset(k, f, f->level, c)));
        f->cut[c] = pq_cut(k, f->least, ties, c ? pq_sum(k, equal) : ir->zero);
        f->lanes[c] = pq_ring(k, PQ_LANES, 2);
        f->next[c] =
            pq_set(k, ir_alu(ir, OP_ALU_ADD, k->iota, ir_broadcast(ir, ir_const(ir, here + v * PQ_LANES))));
        for (; chain_of(f, v) == c; v++) {
            const struct ir_val one = pq_ring_next(&ring);
            ir_alu_into(ir, one, OP_ALU_EQ, f->keys[v], least);
            ir_alu_into(ir, equal, OP_ALU_ADD, equal, one);
        }
    }
    const uint32_t lane =
        f->level ? k->z.first[PQ_WORK] + offset[f->level - 1] - PQ_FAN * here : k->z.sink - here;
    f->lane = ir_broadcast(ir, ir_const(ir, lane));
}

static void pick(struct pq_code *k, struct pq_flat *f, uint32_t v)
{
    const unsigned chain = chain_of(f, v);
    const struct ir_mem mem = pq_work(k, chain_offset(k, f, f->level, chain), chain_room(k, chain));
    const struct ir_val keep = pq_keep(k, &f->cut[chain], f->keys[v]);
    pq_put(k, f->to[chain], mem, keep, lanes_of(k, f, v));
}

/* The kept positions, which are in the first chain's list, to the row of the list, and
 * ones to their weights. */
static void write_list(struct pq_code *k, struct pq_flat *f)
{
    struct ir *ir = k->ir;
    struct ir_mem mem = f->rows.list_mem;
    if (f->rows.exact)
        mem = (struct ir_mem){mem.first + k->z.sink, k->z.kept};
    struct pq_cursor from = chain_cursor(k, f, 0, 0);
    struct pq_cursor to = pq_cursor(k, pq_add(k, f->rows.list, k->z.sink), mem, f->rows.exact);
    const struct ir_val weight = ir_broadcast(ir, f->rows.weight);
    for (uint32_t w = 0; w < k->z.kept; w += PQ_LANES) {
        struct ir_val at = pq_next(k, &from, &mem);
        const struct ir_val positions = ir_vload(ir, at, mem);
        const struct ir_val weights = ir_alu(ir, OP_ALU_ADD, positions, weight);
        const uint32_t left = k->z.kept - w;
        at = pq_next(k, &to, &mem);
        if (left >= PQ_LANES)
            ir_store(ir, at, positions, mem);
        for (unsigned i = 0; i < PQ_LANES && i < left; i++) {
            ir_store(ir, ir_lane(weights, i), ir_const(ir, 1), f->rows.weight_mem);
            if (left < PQ_LANES)
                ir_store(ir, pq_add(k, at, i), ir_lane(positions, i),
                         f->rows.exact ? (struct ir_mem){mem.first + i, 1} : mem);
        }
    }
}

/* The other chains' lists go behind the first one's. */
static void join(struct pq_code *k, struct pq_flat *f)
{
    struct ir *ir = k->ir;
    for (unsigned c = 1; c < PQ_CHAINS; c++) {
        struct pq_cursor from = chain_cursor(k, f, f->level, c);
        struct pq_cursor to =
            pq_cursor(k, f->to[0], pq_work(k, chain_offset(k, f, f->level, 0), chain_room(k, 0)), false);
        const uint32_t most = (f->vectors + PQ_CHAINS - 1) / PQ_CHAINS * PQ_LANES;
        for (uint32_t w = 0; w < most && w < k->z.kept; w += PQ_LANES) {
            struct ir_mem mem;
            struct ir_val at = pq_next(k, &from, &mem);
            const struct ir_val words = ir_vload(ir, at, mem);
            at = pq_next(k, &to, &mem);
            ir_store(ir, at, words, mem);
        }
        const struct ir_val first = pq_add(k, k->at[PQ_WORK], chain_offset(k, f, f->level, c));
        ir_alu_into(ir, f->to[0], OP_ALU_ADD, f->to[0], ir_alu(ir, OP_ALU_SUB, f->to[c], first));
    }
    if (f->level == 0)
        write_list(k, f);
}

/* --- steps --------------------------------------------------------------------------- */

/* The steps of a phase on `vectors` vectors. */
static uint32_t steps_of(const struct pq_pyramid *p, unsigned phase, uint32_t vectors)
{
    switch (phase) {
    case LOAD: return (vectors + LOAD_STEP - 1) / LOAD_STEP;
    case BITS: return p->bits;
    case PICK: return (vectors + PICK_STEP - 1) / PICK_STEP;
    default: return 1;
    }
}

/* The cycles that a step is to have: what it takes alone, but for picking twice that, for
 * two chains of stores beside everything else hold up too much. */
static uint32_t cycles_of(const struct pq_sizes *z, unsigned phase, uint32_t vectors)
{
    switch (phase) {
    case LOAD: return LOAD_STEP / 2;
    case BITS: return vectors / 4 + 10;
    case PICK: return PICK_STEP * PQ_LANES;
    default: return z->kept / PQ_LANES + 10;
    }
}

static uint32_t least_of(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

uint32_t pq_flat_step(struct pq_code *k, struct pq_flat *f)
{
    const uint32_t i = f->done++;
    if (f->phase == LOAD && i == 0) {
        f->vectors = vectors_of(&k->z, f->pyramid, f->level);
        f->least = k->ir->zero;
        f->higher = ir_const(k->ir, 1u << (f->pyramid->bits - 1));
        f->below_next = ir_const(k->ir, f->vectors * PQ_LANES);
    }
    if (i == 0 && (f->phase == LOAD || f->phase == PICK))
        begin_vectors(k, f);
    switch (f->phase) {
    case LOAD:
        for (uint32_t v = i * LOAD_STEP; v < least_of((i + 1) * LOAD_STEP, f->vectors); v++)
            f->keys[v] = load_vector(k, f, v);
        break;
    case BITS: try_bit(k, f, f->pyramid->bits - 1 - i); break;
    case PICK:
        if (i == 0)
            cut(k, f);
        for (uint32_t v = i * PICK_STEP; v < least_of((i + 1) * PICK_STEP, f->vectors); v++)
            pick(k, f, v);
        break;
    case JOIN: join(k, f); break;
    default: return 0;
    }
    const uint32_t cycles = cycles_of(&k->z, f->phase, f->vectors);
    if (f->done == steps_of(f->pyramid, f->phase, f->vectors)) {
        f->done = 0;
        f->phase++;
        if (f->phase == DONE && f->level > 0) {
            f->level--;
            f->phase = LOAD;
        }
    }
    return cycles;
}

uint32_t pq_flat_cycles(const struct pq_sizes *z, const struct pq_pyramid *p)
{
    uint32_t cycles = 0;
    for (unsigned level = 0; level < p->levels; level++) {
        const uint32_t vectors = vectors_of(z, p, level);
        for (unsigned phase = LOAD; phase < DONE; phase++)
            cycles += steps_of(p, phase, vectors) * cycles_of(z, phase, vectors);
    }
    return cycles;
}
