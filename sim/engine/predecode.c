/* Bundle by bundle: gather the slots and see whether the bundle has a fast form;
 * find an order; emit. A bundle has no fast form if it certainly faults, or does
 * what is rare enough to leave to the oracle: trace writes, active compares,
 * several control slots, conflicts in strict mode, sizes beyond all sense. */
#include "sim/engine/predecode.h"

#include <stdlib.h>

#include "sim/engine/fast.h"
#include "sim/engine/serialize.h"
#include "sim/engine/simulator.h"
#include "sim/engine/superinstruction.h"
#include "sim/engine/superword.h"
#include "sim/program/reach.h"

enum {
    MAX_STORES = 8, /* checks grow with the square */
    /* A bundle of fewer slots is not worth a block, nor is one that leaves more of
     * them over; nor is a program whose full bundles have so few slots in all that
     * the host predicts them. */
    BLOCK_MIN = 5,
    BLOCK_LEFT = 14,
    PREDICTED = 1500,
};

_Static_assert((int)SUPERWORD_LANES == (int)LANES, "a run fills at most a vector");

enum {
    LABELED = 0
#define MICRO_LABEL(code, label) +1
#include "sim/engine/micro_labels.def"
};
_Static_assert((int)LABELED == (int)MICRO_CODES, "every micro-operation has one label in the loops");

struct coder {
    const struct prog *prog;
    const struct sim_config *config;
    size_t mem_words;
    struct micro_stream *out;
    bool failed; /* out of memory */
    bool blocks; /* the program is one for blocks */
    bool fuses;  /* scalar slots may become runs */

    /* The bundle at work. */
    uint32_t pc;
    const struct isa_slot *slot[SERIALIZE_SLOTS];
    struct fuse runs; /* what some of them point to */
    struct isa_effects fx[SERIALIZE_SLOTS];
    struct serialize_table table;
    struct serialize_bundle b;
    struct order order;
    const struct isa_slot *control; /* NULL without one */
    int64_t condition;              /* the word it reads, or -1 */
    bool condition_written;         /* by another slot */
    int64_t block;                  /* its number, or -1 */
};

static const struct isa_info *info_of(const struct isa_slot *s)
{
    return isa_info((enum isa_op)s->op);
}

static void emit(struct coder *c, unsigned code, int64_t a, int64_t b, int64_t x, int64_t d)
{
    const struct micro m = {(uint8_t)code, (uint32_t)d & 0xffffff, (uint32_t)a, (uint32_t)b, (uint32_t)x};
    if (c->out->code.n >= UINT32_MAX || !vec_push(&c->out->code, m))
        c->failed = true;
}

/* How many addresses an access of n words can start at. */
static int64_t address_count(const struct coder *c, uint32_t n)
{
    return c->mem_words < n ? 0 : (int64_t)(c->mem_words - n + 1);
}

/* Words that a slot's vectors have, or its scalars: of memory too, if it accesses that. */
static uint32_t access_width(const struct coder *c, const struct isa_slot *s)
{
    return isa_is_vector((enum isa_op)s->op) ? c->config->machine.vlen : 1;
}

/* --- gathering: false means the bundle is the oracle's ------------------------ */

static bool inside(const struct coder *c, const struct isa_range *r)
{
    return r->first >= 0 && r->first + r->n <= c->config->machine.scratch;
}

static bool all_inside(const struct coder *c, const struct isa_effects *fx)
{
    bool good = !fx->writes || inside(c, &fx->write);
    for (unsigned i = 0; i < fx->reads; i++)
        good &= inside(c, &fx->read[i]);
    return good;
}

static bool gather_control(struct coder *c, const struct isa_slot *s, enum isa_kind kind)
{
    if (kind == KIND_PAUSE && !c->config->pause)
        return true;
    const struct isa_effects fx = isa_effects(s, c->config->machine.vlen);
    if (c->control || !all_inside(c, &fx))
        return false;
    c->control = s;
    c->condition = fx.reads ? fx.read[0].first : -1;
    return true;
}

static bool gather_slot(struct coder *c, const struct isa_slot *s)
{
    const enum isa_op op = (enum isa_op)s->op;
    const struct isa_info *info = info_of(s);
    switch ((int)info->kind) {
    case KIND_NOTHING: return true;
    case KIND_COMPARE: return !c->config->debug;
    case KIND_UNKNOWN:
    case KIND_TRACE: return false;
    default: break;
    }
    if (isa_is_control(op))
        return gather_control(c, s, info->kind);
    const unsigned i = c->b.n++;
    if (i == SERIALIZE_SLOTS)
        return false;
    c->b.loads |= (uint64_t)isa_is_load(op) << i;
    c->b.stores |= (uint64_t)isa_is_store(op) << i;
    c->b.first |= (uint64_t)(info->partial || isa_is_access(op)) << i;
    c->slot[i] = s;
    c->fx[i] = isa_effects(s, c->config->machine.vlen);
    return all_inside(c, &c->fx[i]);
}

/* A jump whose target is known, and is not one that faults; others have no target. */
static bool control_target(const struct coder *c, int64_t *target)
{
    *target = 0;
    (void)reach_target(c->control, c->pc, target);
    return *target >= 0 && *target <= UINT32_MAX;
}

static bool gather(struct coder *c)
{
    c->b = (struct serialize_bundle){.fx = c->fx};
    c->control = NULL;
    c->condition = -1;
    const struct prog_span groups = prog_groups(c->prog, c->pc);
    for (uint32_t g = groups.begin; g < groups.end; g++) {
        const struct prog_span slots = prog_slots(c->prog, g);
        const enum isa_engine engine = (enum isa_engine)c->prog->groups.at[g].engine;
        if (engine != ENGINE_DEBUG && slots.end - slots.begin > c->config->machine.slots[engine])
            return false;
        for (uint32_t s = slots.begin; s < slots.end; s++)
            if (!gather_slot(c, &c->prog->slots.at[s]))
                return false;
    }
    int64_t target;
    return !c->control || control_target(c, &target);
}

/* --- runs ----------------------------------------------------------------------- */

/* Adds slot i to what is left of the bundle. */
static void keep(struct coder *c, struct serialize_bundle *rest, unsigned i)
{
    const unsigned to = rest->n++;
    c->slot[to] = c->slot[i];
    c->fx[to] = c->fx[i];
    rest->loads |= (c->b.loads >> i & 1) << to;
    rest->stores |= (c->b.stores >> i & 1) << to;
    rest->first |= (c->b.first >> i & 1) << to;
}

/* Runs take the place of their slots. */
static void fuse(struct coder *c)
{
    if (!c->fuses)
        return;
    superword_find(c->slot, c->b.n, &c->runs);
    if (!c->runs.runs)
        return;
    struct serialize_bundle rest = {.fx = c->fx};
    for (unsigned i = 0; i < c->b.n; i++)
        if (!(c->runs.gone >> i & 1))
            keep(c, &rest, i);
    for (unsigned i = 0; i < c->runs.runs; i++, rest.n++) {
        c->slot[rest.n] = &c->runs.run[i];
        c->fx[rest.n] = isa_effects(&c->runs.run[i], (uint32_t)c->runs.run[i].literal);
    }
    c->b = rest;
}

/* Whether it is a run that does not fill a vector: nothing else is of such a width then. It
 * computes a whole one; where it is buffered, the next buffer begins within its vector. */
static bool is_part(const struct coder *c, unsigned i)
{
    return c->fuses && c->fx[i].write.n > 1 && c->fx[i].write.n < LANES;
}

/* Words behind the scratch that the bundle would need. */
static uint32_t spare_words(const struct coder *c)
{
    uint32_t n = 1; /* a saved condition */
    for (unsigned i = 0; i < c->b.n; i++)
        if (c->order.buffered >> i & 1)
            n += c->fx[i].write.n;
    return n;
}

/* Whether the bundle, once ordered, still has a fast form. */
static bool fits(const struct coder *c)
{
    for (unsigned i = 0; i < c->b.n; i++)
        if (((c->b.loads | c->b.stores) >> i & 1) && !address_count(c, access_width(c, c->slot[i])))
            return false;
    return __builtin_popcountll(c->b.stores) <= MAX_STORES && spare_words(c) <= BLOCK_BLANK &&
           !(c->config->strict && c->order.written_twice);
}

/* --- blocks -------------------------------------------------------------------- */

static bool put_in_block(const struct coder *c, struct superinstruction *k, unsigned i)
{
    uint32_t *place = superinstruction_operands(k, (enum isa_op)c->slot[i]->op, c->fx[i].write.n,
                                                c->config->machine.scratch);
    if (!place)
        return false;
    const struct isa_effects *fx = &c->fx[i];
    *place++ = (uint32_t)fx->write.first;
    for (unsigned r = 0; r < fx->reads; r++)
        *place++ = (uint32_t)fx->read[r].first;
    if (c->b.loads >> i & 1)
        *place = (uint32_t)address_count(c, access_width(c, c->slot[i]));
    return true;
}

/* Moves what has a place into a block; the slots that are left close up. */
static void split(struct coder *c)
{
    if (!c->blocks || c->b.n < BLOCK_MIN)
        return;
    struct superinstruction k = superinstruction_blank(c->config->machine.scratch);
    uint64_t left = 0;
    for (unsigned i = 0; i < c->b.n; i++)
        if (!put_in_block(c, &k, i))
            left |= UINT64_C(1) << i;
    if (__builtin_popcountll(left) > BLOCK_LEFT || c->b.n - (unsigned)__builtin_popcountll(left) < BLOCK_MIN)
        return;
    struct serialize_bundle rest = {.fx = c->fx};
    for (; left; left &= left - 1)
        keep(c, &rest, (unsigned)__builtin_ctzll(left));
    c->b = rest;
    c->block = (int64_t)c->out->blocks.n;
    if (!vec_push(&c->out->blocks, k))
        c->failed = true;
}

/* --- emission ----------------------------------------------------------------- */

static void emit_slot(struct coder *c, unsigned i, int64_t dest)
{
    const struct isa_slot *s = c->slot[i];
    const enum isa_op op = (enum isa_op)s->op;
    const struct isa_range *r = c->fx[i].read;
    const uint32_t width = access_width(c, s);
    const unsigned code = s->op + (isa_is_vector(op) && width == LANES ? MICRO_WIDE : 0u);
    if (isa_is_load(op))
        emit(c, code, dest, r[0].first, address_count(c, width), 0);
    else if (isa_is_store(op))
        emit(c, code, r[0].first, r[1].first, address_count(c, width), 0);
    else if (is_part(c, i) && dest == c->fx[i].write.first)
        emit(c, MICRO_PART + s->op, dest, r[0].first, r[1].first, c->fx[i].write.n);
    else if (isa_has_literal(op))
        emit(c, code, dest, r[0].first, s->literal, r[1].first);
    else
        emit(c, code, dest, r[0].first, r[1].first, r[2].first);
}

/* Range checks, two in one operation: the wider access, with fewer addresses, first. */
static void emit_range_checks(struct coder *c, uint64_t set)
{
    int64_t open = -1;
    uint32_t open_width = 0;
    for (; set; set &= set - 1) {
        const unsigned i = (unsigned)__builtin_ctzll(set);
        const int64_t address = c->fx[i].read[0].first;
        const uint32_t width = access_width(c, c->slot[i]);
        if (open < 0) {
            open = address;
            open_width = width;
        } else {
            if (width > open_width)
                emit(c, MICRO_CHECK_2, address, open, address_count(c, width), width - open_width);
            else
                emit(c, MICRO_CHECK_2, open, address, address_count(c, open_width), open_width - width);
            open = -1;
        }
    }
    if (open >= 0)
        emit(c, MICRO_CHECK, open, 0, address_count(c, open_width), 0);
}

/* Two stores to one word are a double write: counted, or in strict mode a fault. */
static void emit_store_checks(struct coder *c)
{
    for (uint64_t one = c->b.stores; one; one &= one - 1)
        for (uint64_t two = one & (one - 1); two; two &= two - 1) {
            const unsigned i = (unsigned)__builtin_ctzll(one), k = (unsigned)__builtin_ctzll(two);
            const uint32_t n = access_width(c, c->slot[i]);
            emit(c, MICRO_CHECK_APART, c->fx[i].read[0].first, c->fx[k].read[0].first, n - 1,
                 n + access_width(c, c->slot[k]) - 1);
        }
}

/* The first slot executed checks for itself before it writes. */
static void emit_checks(struct coder *c)
{
    emit_store_checks(c);
    const uint64_t set = c->b.n ? c->b.first & ~(UINT64_C(1) << c->order.sequence[0]) : 0;
    emit_range_checks(c, set & (c->b.loads | c->b.stores));
    for (uint64_t left = set & ~(c->b.loads | c->b.stores); left; left &= left - 1) {
        const struct isa_range *divisor = &c->fx[__builtin_ctzll(left)].read[1];
        emit(c, MICRO_CHECK_DIVISOR, divisor->first, 0, divisor->n, 0);
    }
}

static void emit_control(struct coder *c)
{
    int64_t target;
    (void)control_target(c, &target);
    emit(c, c->control->op, c->condition, target, c->pc, 0);
}

static void emit_bundle(struct coder *c)
{
    int64_t spare = c->config->machine.scratch;
    if (c->condition_written) {
        emit(c, MICRO_COPY, spare, c->condition, 0, 0);
        c->condition = spare++;
    }
    if (c->block >= 0)
        emit(c, MICRO_BLOCK_READ, c->block, 0, 0, 0);
    emit_checks(c);
    int64_t buffer[SERIALIZE_SLOTS];
    for (unsigned k = 0; k < c->b.n; k++) {
        const unsigned i = c->order.sequence[k];
        const bool waits = c->order.buffered >> i & 1;
        buffer[i] = spare;
        emit_slot(c, i, waits ? spare : c->fx[i].write.first);
        spare += waits ? c->fx[i].write.n : 0;
    }
    for (uint64_t left = c->order.buffered; left; left &= left - 1) {
        const unsigned i = (unsigned)__builtin_ctzll(left);
        const struct isa_range *w = &c->fx[i].write;
        if (is_part(c, i))
            emit(c, MICRO_PART + OP_VALU_OR, w->first, buffer[i], buffer[i], w->n);
        else
            emit(c,
                 w->n == 1   ? MICRO_COPY
                 : w->n == 8 ? MICRO_COPY_8
                             : MICRO_COPY_N,
                 w->first, buffer[i], w->n, 0);
    }
    if (c->block >= 0)
        emit(c, MICRO_BLOCK_WRITE, c->block, 0, 0, 0);
    if (c->control)
        emit_control(c);
}

/* --- the whole program ---------------------------------------------------------- */

/* Fewer, larger operations for the bundle's slots. The order among slots is lost, which
 * nobody can tell unless a word is written twice. */
static void condense(struct coder *c)
{
    const unsigned n = c->b.n;
    if (c->order.written_twice)
        return;
    fuse(c);
    split(c);
    if (c->b.n < n)
        serialize_find(&c->table, &c->b, &c->order);
}

static void translate(struct coder *c, struct micro_mark *sum)
{
    if (gather(c)) {
        serialize_find(&c->table, &c->b, &c->order);
        c->condition_written = c->condition >= 0 && order_is_written(&c->table, (uint32_t)c->condition);
        c->block = -1;
        condense(c);
        if (fits(c)) {
            sum->twice += c->order.written_twice;
            emit_bundle(c);
            return;
        }
    }
    emit(c, MICRO_ORACLE, 0, 0, c->pc, 0);
}

static bool is_for_blocks(const struct prog *p, uint32_t vlen)
{
    size_t slots = 0;
    if (BLOCK_LEFT * vlen >= BLOCK_BLANK)
        return false; /* what is left over might need more spare words than there are */
    for (uint32_t b = 0; b < p->bundles.n && slots <= PREDICTED; b++) {
        const struct prog_span s = prog_bundle_slots(p, b);
        slots += s.end - s.begin >= BLOCK_MIN ? s.end - s.begin : 0;
    }
    return slots > PREDICTED;
}

bool predecode(const struct prog *p, const struct sim_config *config, size_t mem_words, enum micro_form form,
               struct micro_stream *out)
{
    struct coder c = {.prog = p, .config = config, .mem_words = mem_words, .out = out};
    c.blocks = form != MICRO_BATCH && is_for_blocks(p, config->machine.vlen);
    c.fuses = config->machine.vlen == LANES;
    c.table.words = calloc(config->machine.scratch, sizeof *c.table.words);
    struct micro_mark sum = {0};
    bool good = c.table.words && vec_reserve(&out->marks, p->bundles.n + 1) &&
                vec_reserve(&out->code, p->slots.n + 1);
    for (c.pc = 0; good && !c.failed && c.pc < p->bundles.n; c.pc++) {
        sum.first = (uint32_t)out->code.n;
        good = vec_push(&out->marks, sum);
        translate(&c, &sum);
        if (form == MICRO_TURNS)
            emit(&c, MICRO_YIELD, 0, 0, c.pc, 0);
        sum.cycles += prog_costs_cycle(p, c.pc);
        const uint64_t work = sim_bundle_work(p, c.pc);
        sum.work += work;
        out->most_work = work > out->most_work ? work : out->most_work;
    }
    sum.first = (uint32_t)out->code.n;
    good = good && vec_push(&out->marks, sum);
    emit(&c, MICRO_END, 0, 0, 0, 0);
    free(c.table.words);
    return good && !c.failed;
}

void predecode_free(struct micro_stream *s)
{
    vec_free(&s->code);
    vec_free(&s->marks);
    vec_free(&s->blocks);
}
