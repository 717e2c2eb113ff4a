#include "builder/optimize/lift.h"

#include <stdlib.h>
#include <string.h>

#include "builder/ir/ir_make.h"

enum { MAX_SLOTS = 4096, PART_WORDS = 255 };
#define NOBODY UINT32_MAX

/* A definition: one write of one scratch word, or what a word holds when control enters a
 * region. `low` and `high` are of the root: the words of all that are joined. */
struct def {
    uint32_t parent;
    uint32_t word, low, high;
    uint32_t block; /* of the root, once it has one */
    bool pinned;    /* of the root */
};

/* A value that is known when the program is read. */
struct known {
    bool is;
    uint32_t value;
};

/* A slot, and the first definition of each operand: the others of the operand are joined with it. */
struct lifting {
    uint32_t slot, bundle;
    uint32_t source[ISA_MAX_ARGS], dest;
};

/* The same while its bundle is put in order. */
struct ordering {
    const struct lifting *x;
    struct isa_effects fx;
    struct ir_val source[ISA_MAX_ARGS], dest; /* where they are */
    bool copied[ISA_MAX_ARGS];                /* the source is read from a copy */
    struct ir_mem mem;                        /* of an access: what it may touch */
    bool load, store, placed;
};

struct lift {
    const struct prog *p;
    const struct lift_options *o;
    struct lifted *out;
    struct ir *ir;
    struct diag *d;
    uint32_t scratch, vlen;

    uint32_t *region_of;  /* by bundle, for those that begin one; NOBODY else */
    VEC(uint32_t) begins; /* bundles that begin a region; the last is the end */
    VEC(uint32_t) exits;  /* by region: the slot that leaves it, NOBODY: none */
    bool *entered;        /* by region: other ways lead there than from the one before */
    uint64_t *live;       /* by region: words alive where control enters it */
    size_t row;           /* of `live`, in words of 64 */
    uint32_t *kept_at;    /* by scratch word that is pinned: its block; NOBODY */
    uint32_t *kept_word;  /* and where in that */

    VEC(struct def) defs;
    VEC(struct lifting) slots;   /* region by region, in the order of the program */
    VEC(uint32_t) slots_at;      /* by region, and the end */
    uint32_t *now;               /* by scratch word: the definition it holds, NOBODY: the region's start */
    struct known *known;         /* by scratch word */
    bool *fixed;                 /* by memory word of the facts: it still has its value */
    VEC(struct ordering) bundle; /* at hand */
    VEC(uint32_t) order;
    bool failed;
};

static enum status no_memory(struct diag *d)
{
    return diag_set(d, ST_NOMEM, "out of memory while lifting a program");
}

/* --- what cannot be lifted ----------------------------------------------------------- */

static enum status refuse(const struct lift *f, uint32_t bundle, uint32_t slot, const char *why)
{
    struct text t = {0};
    prog_slot_text(f->p, &f->p->slots.at[slot], &t);
    uint32_t nth = 0;
    for (uint32_t s = prog_bundle_slots(f->p, bundle).begin; s < slot; s++)
        nth += f->p->slots.at[s].engine == f->p->slots.at[slot].engine;
    const enum status status = diag_set(f->d, ST_INPUT, "bundle %u, %s slot %u `%.100s`: %s", bundle,
                                        isa_engine_name((enum isa_engine)f->p->slots.at[slot].engine), nth,
                                        text_ok(&t) ? t.at : "", why);
    text_free(&t);
    return status;
}

static bool is_exit(const struct lift *f, const struct isa_slot *s)
{
    const enum isa_op op = (enum isa_op)s->op;
    return s->op < ISA_OPS && (op == OP_TRACE_WRITE || (op == OP_PAUSE ? f->o->pause : isa_is_control(op)));
}

/* The bundle that a jump goes to; the end where it is beyond that. */
static int64_t target_of(const struct lift *f, uint32_t bundle, const struct isa_slot *s)
{
    const int64_t end = (int64_t)f->p->bundles.n, next = s->op == OP_COND_JUMP_REL ? (int64_t)bundle + 1 : 0;
    return s->literal > end - next ? end : next + s->literal;
}

static enum status check_slot(const struct lift *f, uint32_t bundle, uint32_t slot)
{
    const struct isa_slot *s = &f->p->slots.at[slot];
    if (s->op >= ISA_OPS)
        return refuse(f, bundle, slot, "there is no such operation");
    if (s->op == OP_JUMP_INDIRECT)
        return refuse(f, bundle, slot, "where an indirect jump goes is not known");
    if (isa_is_jump((enum isa_op)s->op) && target_of(f, bundle, s) < 0)
        return refuse(f, bundle, slot, "it jumps to before the program");
    const struct isa_effects fx = isa_effects(s, f->vlen);
    for (unsigned k = 0; k <= fx.reads; k++) {
        const struct isa_range r = k < fx.reads ? fx.read[k] : fx.write;
        if ((k < fx.reads || fx.writes) && (r.first < 0 || r.first + r.n > f->scratch))
            return refuse(f, bundle, slot, "its operands are outside the scratch");
    }
    return ST_OK;
}

static enum status check_bundle(const struct lift *f, uint32_t bundle)
{
    uint32_t used[ISA_ENGINES] = {0}, exits = 0;
    const struct prog_span s = prog_bundle_slots(f->p, bundle);
    for (uint32_t i = s.begin; i < s.end; i++) {
        const struct isa_slot *slot = &f->p->slots.at[i];
        if (slot->engine == ENGINE_DEBUG)
            continue;
        const enum status status = check_slot(f, bundle, i);
        if (status != ST_OK)
            return status;
        if (++used[slot->engine] > f->p->machine.slots[slot->engine] || used[slot->engine] > MAX_SLOTS)
            return refuse(f, bundle, i, "the engine has fewer slots");
        if (is_exit(f, slot) && exits++)
            return refuse(f, bundle, i, "a second slot of the bundle that says where control goes");
    }
    return ST_OK;
}

static enum status check(const struct lift *f)
{
    const struct isa_machine *m = &f->p->machine;
    if (m->cores != 1)
        return diag_set(f->d, ST_INPUT, "the program is for %u cores, which share the memory", m->cores);
    if (isa_machine_waits(m))
        return diag_set(f->d, ST_INPUT, "the machine has latencies of more than a cycle");
    for (uint32_t b = 0; b < f->p->bundles.n; b++) {
        const enum status status = check_bundle(f, b);
        if (status != ST_OK)
            return status;
    }
    return ST_OK;
}

/* --- regions ------------------------------------------------------------------------- */

/* Marks the bundles that begin a region: those behind an exit, and those jumped to. */
static void mark_begins(struct lift *f)
{
    for (uint32_t b = 0; b < f->p->bundles.n; b++) {
        const struct prog_span s = prog_bundle_slots(f->p, b);
        for (uint32_t i = s.begin; i < s.end; i++) {
            const struct isa_slot *slot = &f->p->slots.at[i];
            if (slot->engine == ENGINE_DEBUG || !is_exit(f, slot))
                continue;
            f->region_of[b + 1] = 0;
            if (isa_is_jump((enum isa_op)slot->op))
                f->region_of[target_of(f, b, slot)] = 0;
        }
    }
}

/* Regions in the order of their bundles. Nothing comes before region 0 where nothing jumps;
 * where something does, region 0 is empty, since none jumps there. */
static bool list_regions(struct lift *f)
{
    const uint32_t n = (uint32_t)f->p->bundles.n;
    memset(f->region_of, 0xff, (n + 1) * sizeof *f->region_of);
    mark_begins(f);
    bool jumps = false;
    for (uint32_t b = 0; b <= n; b++)
        jumps = jumps || f->region_of[b] != NOBODY;
    if (jumps && !vec_push(&f->begins, 0))
        return false;
    f->region_of[0] = 0;
    if (jumps)
        f->region_of[n] = 0;
    for (uint32_t b = 0; b <= n; b++)
        if (f->region_of[b] != NOBODY) {
            f->region_of[b] = (uint32_t)f->begins.n;
            if (!vec_push(&f->begins, b))
                return false;
        }
    if (!vec_push(&f->begins, n))
        return false;
    for (size_t r = 0; r + 1 < f->begins.n; r++) {
        uint32_t exit = NOBODY;
        for (uint32_t b = f->begins.at[r]; b < f->begins.at[r + 1]; b++) {
            const struct prog_span s = prog_bundle_slots(f->p, b);
            for (uint32_t i = s.begin; i < s.end; i++)
                if (f->p->slots.at[i].engine != ENGINE_DEBUG && is_exit(f, &f->p->slots.at[i]))
                    exit = i;
        }
        if (!vec_push(&f->exits, exit))
            return false;
    }
    return true;
}

static size_t regions(const struct lift *f)
{
    return f->exits.n;
}

/* Where control may go on from a region: up to two, NOBODY for none. */
static void successors(const struct lift *f, uint32_t region, uint32_t to[2])
{
    const uint32_t exit = f->exits.at[region];
    to[0] = region + 1 < regions(f) ? region + 1 : NOBODY;
    to[1] = NOBODY;
    if (exit == NOBODY)
        return;
    const struct isa_slot *s = &f->p->slots.at[exit];
    if (isa_is_jump((enum isa_op)s->op))
        to[1] = f->region_of[target_of(f, f->begins.at[region + 1] - 1, s)];
    if (s->op == OP_JUMP || s->op == OP_HALT)
        to[0] = NOBODY;
}

/* Marks the regions that are entered by a jump, or not at all. */
static bool find_entered(struct lift *f)
{
    f->entered = calloc(f->exits.n + 1, sizeof *f->entered);
    for (uint32_t r = 0; f->entered && r < f->exits.n; r++) {
        uint32_t to[2];
        successors(f, r, to);
        if (to[1] != NOBODY)
            f->entered[to[1]] = true;
        if (to[0] == NOBODY)
            f->entered[r + 1] = true;
    }
    return f->entered != NULL;
}

/* --- liveness ------------------------------------------------------------------------ */

static void set_bits(uint64_t *row, struct isa_range r, const uint64_t *unless)
{
    for (uint32_t k = 0; k < r.n; k++) {
        const uint64_t word = (uint64_t)r.first + k;
        if (!unless || !(unless[word / 64] >> (word % 64) & 1))
            row[word / 64] |= UINT64_C(1) << (word % 64);
    }
}

/* The words that a region reads before it writes them, and those it writes. */
static void find_uses(const struct lift *f, uint32_t region, uint64_t *use, uint64_t *def)
{
    for (uint32_t b = f->begins.at[region]; b < f->begins.at[region + 1]; b++) {
        const struct prog_span s = prog_bundle_slots(f->p, b);
        for (int writes = 0; writes < 2; writes++)
            for (uint32_t i = s.begin; i < s.end; i++) {
                if (f->p->slots.at[i].engine == ENGINE_DEBUG)
                    continue;
                const struct isa_effects fx = isa_effects(&f->p->slots.at[i], f->vlen);
                for (unsigned k = 0; k < fx.reads && !writes; k++)
                    set_bits(use, fx.read[k], def);
                if (fx.writes && writes)
                    set_bits(def, fx.write, NULL);
            }
    }
}

/* Whether the words alive at the region's start are more than before. */
static bool flow_back(const struct lift *f, uint32_t region, const uint64_t *use, const uint64_t *def)
{
    uint32_t to[2];
    bool more = false;
    successors(f, region, to);
    for (size_t k = 0; k < f->row; k++) {
        uint64_t out = 0;
        for (int i = 0; i < 2; i++)
            out |= to[i] == NOBODY ? (f->o->keep_scratch ? UINT64_MAX : 0) : f->live[to[i] * f->row + k];
        const uint64_t in = use[k] | (out & ~def[k]);
        more = more || in != f->live[region * f->row + k];
        f->live[region * f->row + k] = in;
    }
    return more;
}

static bool find_live(struct lift *f)
{
    const size_t n = regions(f);
    f->row = (f->scratch + 63) / 64;
    f->live = calloc(n * f->row + 1, sizeof *f->live);
    uint64_t *use = calloc(n * f->row + 1, sizeof *use), *def = calloc(n * f->row + 1, sizeof *def);
    const bool good = f->live && use && def;
    for (uint32_t r = 0; good && r < n; r++)
        find_uses(f, r, use + r * f->row, def + r * f->row);
    for (bool more = good; more;) {
        more = false;
        for (uint32_t r = (uint32_t)n; r-- > 0;)
            more = flow_back(f, r, use + r * f->row, def + r * f->row) || more;
    }
    free(use);
    free(def);
    return good;
}

/* Whether the word is alive when control leaves the region. */
static bool lives_on(const struct lift *f, uint32_t region, uint32_t word)
{
    uint32_t to[2];
    successors(f, region, to);
    if (to[0] == NOBODY && to[1] == NOBODY)
        return f->o->keep_scratch;
    for (int i = 0; i < 2; i++)
        if (to[i] != NOBODY && f->live[to[i] * f->row + word / 64] >> (word % 64) & 1)
            return true;
    return false;
}

/* --- definitions --------------------------------------------------------------------- */

static uint32_t root(struct lift *f, uint32_t x)
{
    struct def *d = f->defs.at;
    while (d[x].parent != x)
        x = d[x].parent = d[d[x].parent].parent;
    return x;
}

static void join(struct lift *f, uint32_t a, uint32_t b)
{
    struct def *d = f->defs.at;
    a = root(f, a);
    b = root(f, b);
    if (a == b)
        return;
    d[b].parent = a;
    d[a].low = d[b].low < d[a].low ? d[b].low : d[a].low;
    d[a].high = d[b].high > d[a].high ? d[b].high : d[a].high;
    d[a].pinned = d[a].pinned || d[b].pinned;
}

static uint32_t new_def(struct lift *f, uint32_t word, bool pinned)
{
    const uint32_t x = (uint32_t)f->defs.n;
    if (!vec_push(&f->defs, (struct def){x, word, word, word, NOBODY, pinned}))
        f->failed = true;
    return f->failed ? 0 : x;
}

/* The definition that a word holds; the first time, what it held when control entered. */
static uint32_t held(struct lift *f, uint32_t word)
{
    if (f->now[word] == NOBODY)
        f->now[word] = new_def(f, word, true);
    return f->now[word];
}

/* The definitions that an operand of `n` words reads, joined; the first. */
static uint32_t read_words(struct lift *f, struct isa_range r)
{
    const uint32_t first = held(f, (uint32_t)r.first);
    for (uint32_t l = 1; l < r.n && !f->failed; l++)
        join(f, first, held(f, (uint32_t)r.first + l));
    return first;
}

/* All slots of a bundle read, then they write; the later write to a word stays. */
static void define_bundle(struct lift *f, uint32_t bundle)
{
    const struct prog_span span = prog_bundle_slots(f->p, bundle);
    const size_t from = f->slots.n;
    for (uint32_t i = span.begin; i < span.end && !f->failed; i++) {
        struct lifting x = {.slot = i, .bundle = bundle};
        if (f->p->slots.at[i].engine == ENGINE_DEBUG)
            continue;
        const struct isa_effects fx = isa_effects(&f->p->slots.at[i], f->vlen);
        for (unsigned k = 0; k < fx.reads; k++)
            x.source[k] = read_words(f, fx.read[k]);
        if (!vec_push(&f->slots, x))
            f->failed = true;
    }
    for (size_t i = from; i < f->slots.n && !f->failed; i++) {
        struct lifting *x = &f->slots.at[i];
        const struct isa_effects fx = isa_effects(&f->p->slots.at[x->slot], f->vlen);
        for (uint32_t l = 0; fx.writes && l < fx.write.n && !f->failed; l++) {
            const uint32_t word = (uint32_t)fx.write.first + l, def = new_def(f, word, false);
            if (l == 0)
                x->dest = def;
            else if (!f->failed)
                join(f, x->dest, def);
            f->now[word] = def;
        }
    }
}

static void define_region(struct lift *f, uint32_t region)
{
    memset(f->now, 0xff, f->scratch * sizeof *f->now);
    if (!vec_push(&f->slots_at, (uint32_t)f->slots.n))
        f->failed = true;
    for (uint32_t b = f->begins.at[region]; b < f->begins.at[region + 1] && !f->failed; b++)
        define_bundle(f, b);
    for (uint32_t w = 0; w < f->scratch && !f->failed; w++)
        if (f->now[w] != NOBODY && lives_on(f, region, w))
            f->defs.at[root(f, f->now[w])].pinned = true;
}

/* Definitions of all regions, and blocks for the words that are pinned: one for each run of them. */
static void define(struct lift *f)
{
    for (uint32_t r = 0; r < regions(f) && !f->failed; r++)
        define_region(f, r);
    if (f->failed || !vec_push(&f->slots_at, (uint32_t)f->slots.n)) {
        f->failed = true;
        return;
    }
    for (uint32_t x = 0; x < f->defs.n && !f->o->rename; x++)
        f->defs.at[root(f, x)].pinned = true;
    for (uint32_t x = 0; x < f->defs.n; x++)
        if (f->defs.at[root(f, x)].pinned)
            f->kept_at[f->defs.at[x].word] = 0;
    for (uint32_t w = 0; w < f->scratch; w++) {
        if (f->kept_at[w] == NOBODY)
            continue;
        uint32_t end = w;
        while (end < f->scratch && f->kept_at[end] != NOBODY)
            end++;
        const struct ir_val v = ir_block(f->ir, (uint16_t)(end - w), NULL);
        if (v.block == IR_NONE)
            return;
        struct ir_block *b = &f->ir->blocks.at[v.block];
        b->kept = b->pinned = true;
        b->at = w;
        for (uint32_t k = w; k < end; k++) {
            f->kept_at[k] = v.block;
            f->kept_word[k] = k - w;
        }
        w = end;
    }
}

/* Where `n` words from a definition on are. */
static struct ir_val view_of(struct lift *f, uint32_t def, uint32_t n)
{
    const uint32_t word = f->defs.at[def].word;
    struct def *r = &f->defs.at[root(f, def)];
    if (r->pinned)
        return (struct ir_val){f->kept_at[word], (uint16_t)f->kept_word[word], 1, (uint8_t)n};
    if (r->block == NOBODY)
        r->block = ir_block(f->ir, (uint16_t)(r->high - r->low + 1), NULL).block;
    return (struct ir_val){r->block, (uint16_t)(word - r->low), 1, (uint8_t)n};
}

/* What an access may touch. */
static struct ir_mem words_of(struct lift *f, const struct ordering *x, uint32_t n)
{
    const struct known *address = &f->known[x->fx.read[0].first];
    if (address->is && address->value <= UINT32_MAX - n) {
        f->out->proved++;
        return (struct ir_mem){address->value, n};
    }
    const struct ir_mem *given = f->o->facts.access ? &f->o->facts.access[x->x->slot] : NULL;
    if (given && given->words >= n) {
        f->out->given++;
        return *given;
    }
    f->out->unknown++;
    return IR_ANYWHERE;
}

/* --- a bundle in order --------------------------------------------------------------- */

static bool overlap(struct ir_val a, struct ir_val b)
{
    return a.block != IR_NONE && a.block == b.block && a.word < b.word + b.lanes && b.word < a.word + a.lanes;
}

/* Whether `reader` reads, where it is, a word that `writer` writes. */
static bool reads_of(const struct ordering *reader, const struct ordering *writer)
{
    for (unsigned k = 0; k < reader->fx.reads; k++)
        if (!reader->copied[k] && overlap(reader->source[k], writer->dest))
            return true;
    return false;
}

static void copy_reads_of(struct ordering *reader, const struct ordering *writer)
{
    for (unsigned k = 0; k < reader->fx.reads; k++)
        if (overlap(reader->source[k], writer->dest))
            reader->copied[k] = true;
}

/* An elementwise operation may run a lane at a time: no lane may write what another one reads. */
static void copy_own(struct ordering *x, const struct isa_slot *s)
{
    if (isa_is_valu_binary((enum isa_op)s->op))
        for (unsigned k = 0; k < x->fx.reads; k++)
            if (overlap(x->source[k], x->dest) && x->source[k].word != x->dest.word)
                x->copied[k] = true;
}

static bool meet(struct ir_mem a, struct ir_mem b)
{
    return (uint64_t)a.first < (uint64_t)b.first + b.words && (uint64_t)b.first < (uint64_t)a.first + a.words;
}

/* Whether i has to wait for j: j reads what i writes, writes it first, or is the earlier access. */
static bool waits(const struct lift *f, size_t i, size_t j)
{
    const struct ordering *x = &f->bundle.at[i], *y = &f->bundle.at[j];
    if (i == j || y->placed)
        return false;
    const bool before = x->store && (y->load || (y->store && j < i)) && meet(x->mem, y->mem);
    return before || reads_of(y, x) || (j < i && overlap(x->dest, y->dest));
}

static bool is_free(const struct lift *f, size_t i)
{
    for (size_t j = 0; j < f->bundle.n; j++)
        if (waits(f, i, j))
            return false;
    return true;
}

/* The next slot in an order that means the same as all at once. In a circle the first one goes
 * ahead, stores last, and those that read what it writes read copies. */
static size_t next_slot(struct lift *f)
{
    size_t first = f->bundle.n, store = f->bundle.n;
    for (size_t i = 0; i < f->bundle.n; i++) {
        if (f->bundle.at[i].placed)
            continue;
        if (is_free(f, i))
            return i;
        if (first == f->bundle.n && !f->bundle.at[i].store)
            first = i;
        if (store == f->bundle.n)
            store = i;
    }
    if (first == f->bundle.n)
        first = store;
    for (size_t j = 0; j < f->bundle.n; j++)
        if (j != first && !f->bundle.at[j].placed)
            copy_reads_of(&f->bundle.at[j], &f->bundle.at[first]);
    return first;
}

/* --- operations ---------------------------------------------------------------------- */

static void push(struct lift *f, struct ir_op op, uint32_t bundle)
{
    op.origin = bundle;
    ir_push(f->ir, op);
}

/* Copies of sources that are overwritten before they are read. */
static void push_copies(struct lift *f)
{
    for (size_t i = 0; i < f->bundle.n; i++) {
        struct ordering *x = &f->bundle.at[i];
        for (unsigned k = 0; k < x->fx.reads; k++) {
            if (!x->copied[k])
                continue;
            const unsigned lanes = x->source[k].lanes;
            const struct ir_val to = ir_block(f->ir, (uint16_t)lanes, NULL);
            struct ir_op op = ir_new_op(OP_ALU_OR, lanes, to);
            op.form = ir_form(OP_ALU_OR, 2, x->source[k], x->source[k], ir_no_val);
            op.alu_only = lanes != f->vlen;
            push(f, op, x->x->bundle);
            x->source[k] = to;
        }
    }
}

static void push_op(struct lift *f, const struct ordering *x)
{
    const struct isa_slot *s = &f->p->slots.at[x->x->slot];
    const enum isa_op code = (enum isa_op)s->op;
    struct ir_op op = ir_new_op(code, x->fx.writes ? x->fx.write.n : 1, x->dest);
    op.form = ir_form(code, x->fx.reads, x->source[0], x->source[1], x->source[2]);
    op.literal = s->literal;
    if (isa_is_alu(code)) {
        op.alu_only = true;
    } else if (isa_is_valu_binary(code)) {
        op.form.op = (uint8_t)isa_to_alu(code);
    } else if (code == OP_VBROADCAST) {
        ir_broadcast_forms(f->ir, &op, x->source[0]);
        if (overlap(x->source[0], x->dest))
            op.alt = (struct ir_form){.op = OP_UNKNOWN};
    } else if (code == OP_CONST || code == OP_COREID) {
        op.form = ir_form(OP_CONST, 0, ir_no_val, ir_no_val, ir_no_val);
        op.alt = ir_form(OP_ADD_IMM, 1, f->ir->zero, ir_no_val, ir_no_val);
        op.literal = code == OP_CONST ? (int64_t)(uint32_t)s->literal : 0;
    } else if (isa_is_load(code)) {
        op.form.op = x->fx.write.n == 1 ? OP_LOAD : OP_VLOAD;
        op.literal = 0;
        op.mem = x->mem;
    } else if (isa_is_store(code)) {
        op.lanes = (uint8_t)x->fx.read[1].n;
        op.mem = x->mem;
    }
    push(f, op, x->x->bundle);
}

/* --- what is known ------------------------------------------------------------------- */

static struct known load_known(const struct lift *f, uint64_t address)
{
    if (address >= f->o->facts.words || !f->fixed[address])
        return (struct known){false, 0};
    return (struct known){true, f->o->facts.mem[address]};
}

/* The value of a lane of what the slot writes, from the values before the bundle. */
static struct known evaluate(const struct lift *f, const struct ordering *x, uint32_t lane)
{
    const struct isa_slot *s = &f->p->slots.at[x->x->slot];
    const struct isa_info *info = isa_info((enum isa_op)s->op);
    uint32_t v[3] = {0};
    for (unsigned k = 0; k < x->fx.reads && k < 3; k++) {
        const struct known *at = &f->known[x->fx.read[k].first + (x->fx.read[k].n > lane ? lane : 0)];
        if (!at->is)
            return (struct known){false, 0};
        v[k] = at->value;
    }
    if (x->load)
        return s->op == OP_CONST ? (struct known){true, (uint32_t)s->literal}
                                 : load_known(f, (uint64_t)v[0] + lane);
    if (s->op == OP_COREID)
        return (struct known){true, 0};
    if (info->kind != KIND_PURE || (info->partial && v[1] == 0))
        return (struct known){false, 0};
    return (struct known){true, isa_eval((enum isa_op)s->op, v[0], v[1], v[2], (uint32_t)s->literal)};
}

static void forget_memory(struct lift *f, struct ir_mem m)
{
    const uint64_t end = (uint64_t)m.first + m.words;
    for (uint64_t a = m.first; a < f->o->facts.words && a < end; a++)
        f->fixed[a] = false;
}

/* What scratch holds after the bundle, and what memory no longer does. */
static bool learn(struct lift *f)
{
    VEC(struct known) values = {0};
    bool good = true;
    for (size_t i = 0; good && i < f->bundle.n; i++)
        for (uint32_t l = 0; good && f->bundle.at[i].fx.writes && l < f->bundle.at[i].fx.write.n; l++)
            good = vec_push(&values, evaluate(f, &f->bundle.at[i], l));
    for (size_t i = 0, v = 0; good && i < f->bundle.n; i++) {
        const struct ordering *x = &f->bundle.at[i];
        for (uint32_t l = 0; x->fx.writes && l < x->fx.write.n; l++)
            f->known[x->fx.write.first + l] = values.at[v++];
    }
    vec_free(&values);
    return good;
}

/* --- regions to ops ------------------------------------------------------------------ */

/* The slots [from, to) of one bundle, the exit among them. */
static void lift_bundle(struct lift *f, size_t from, size_t to, uint32_t exit, struct ir_val *cond)
{
    f->bundle.n = f->order.n = 0;
    size_t leaves = NOBODY;
    for (size_t i = from; i < to && !f->failed; i++) {
        const struct lifting *x = &f->slots.at[i];
        const struct isa_slot *s = &f->p->slots.at[x->slot];
        if (s->op == OP_PAUSE && x->slot != exit)
            continue;
        struct ordering o = {.x = x, .fx = isa_effects(s, f->vlen), .dest = ir_no_val};
        for (unsigned k = 0; k < ISA_MAX_ARGS; k++)
            o.source[k] = k < o.fx.reads ? view_of(f, x->source[k], o.fx.read[k].n) : ir_no_val;
        if (o.fx.writes)
            o.dest = view_of(f, x->dest, o.fx.write.n);
        o.load = s->engine == ENGINE_LOAD;
        o.store = isa_is_store((enum isa_op)s->op);
        if (s->op < ISA_OPS && isa_is_access((enum isa_op)s->op))
            o.mem = words_of(f, &o, o.store ? o.fx.read[1].n : o.fx.write.n);
        o.placed = x->slot == exit;
        copy_own(&o, s);
        if (o.placed)
            leaves = f->bundle.n;
        if (!vec_push(&f->bundle, o))
            f->failed = true;
    }
    for (size_t i = 0; leaves != NOBODY && i < f->bundle.n; i++)
        if (i != leaves)
            copy_reads_of(&f->bundle.at[leaves], &f->bundle.at[i]);
    for (size_t n = f->bundle.n - (leaves != NOBODY); n-- > 0 && !f->failed;) {
        const size_t i = next_slot(f);
        f->bundle.at[i].placed = true;
        if (!vec_push(&f->order, (uint32_t)i))
            f->failed = true;
    }
    push_copies(f);
    for (size_t i = 0; i < f->order.n && !f->failed; i++)
        push_op(f, &f->bundle.at[f->order.at[i]]);
    if (leaves != NOBODY && f->bundle.at[leaves].fx.reads)
        *cond = f->bundle.at[leaves].source[0];
    const size_t ops = f->ir->ops.n;
    for (size_t i = ops - f->order.n; i < ops && f->ir->status == ST_OK; i++)
        if (isa_is_store((enum isa_op)f->ir->ops.at[i].form.op))
            forget_memory(f, f->ir->ops.at[i].mem);
    f->failed = f->failed || !learn(f);
}

/* Whether only regions without bundles follow: the program ends there by itself. */
static bool is_last(const struct lift *f, uint32_t region)
{
    return f->begins.at[region + 1] == f->p->bundles.n;
}

static void leave(struct lift *f, uint32_t region, struct ir_val cond)
{
    struct ir_region *r = &f->ir->regions.at[region];
    const uint32_t exit = f->exits.at[region];
    if (exit == NOBODY)
        return;
    const struct isa_slot *s = &f->p->slots.at[exit];
    r->cond = cond;
    switch ((enum isa_op)s->op) {
    case OP_HALT: r->exit = is_last(f, region) ? IR_NEXT : IR_HALT; break;
    case OP_PAUSE: r->exit = IR_PAUSE; break;
    case OP_TRACE_WRITE: r->exit = IR_TRACE; break;
    default:
        r->exit = s->op == OP_JUMP ? IR_JUMP : IR_NEXT;
        r->target = f->region_of[target_of(f, f->begins.at[region + 1] - 1, s)];
    }
}

static void lift_region(struct lift *f, uint32_t region)
{
    struct ir_val cond = ir_no_val;
    if (region && !vec_push(&f->ir->regions,
                            (struct ir_region){.first_op = (uint32_t)f->ir->ops.n, .cond = ir_no_val})) {
        f->failed = true;
        return;
    }
    /* Scratch is zero at the start; where a jump may come in, nothing is known. */
    for (uint32_t w = 0; w < f->scratch && (!region || f->entered[region]); w++)
        f->known[w] = (struct known){region == 0, 0};
    if (region && (f->entered[region] || f->o->pause))
        forget_memory(f, IR_ANYWHERE);
    for (size_t i = f->slots_at.at[region], end; i < f->slots_at.at[region + 1] && !f->failed; i = end) {
        end = i;
        while (end < f->slots_at.at[region + 1] && f->slots.at[end].bundle == f->slots.at[i].bundle)
            end++;
        lift_bundle(f, i, end, f->exits.at[region], &cond);
    }
    leave(f, region, cond);
}

/* What optimize.h says of the program besides its ir. */
static bool look_around(struct lift *f)
{
    f->out->first_store = NOBODY;
    for (uint32_t b = 0; b < f->p->bundles.n; b++) {
        const struct prog_span s = prog_bundle_slots(f->p, b);
        for (uint32_t i = s.begin; i < s.end; i++) {
            const struct isa_slot *slot = &f->p->slots.at[i];
            f->out->debug_slots += slot->engine == ENGINE_DEBUG;
            if (slot->op == OP_PAUSE && !f->o->pause && !vec_push(&f->out->pauses, b))
                return false;
            if (slot->op >= ISA_OPS || !isa_is_store((enum isa_op)slot->op))
                continue;
            f->out->first_store = f->out->first_store == NOBODY ? b : f->out->first_store;
            f->out->last_store = b;
        }
    }
    return true;
}

static bool prepare(struct lift *f)
{
    const size_t words = f->o->facts.words;
    f->region_of = malloc((f->p->bundles.n + 1) * sizeof *f->region_of);
    f->now = malloc(f->scratch * sizeof *f->now);
    f->known = malloc(f->scratch * sizeof *f->known);
    f->kept_at = malloc(f->scratch * sizeof *f->kept_at);
    f->kept_word = calloc(f->scratch, sizeof *f->kept_word);
    f->fixed = calloc(words + 1, sizeof *f->fixed);
    f->ir = f->out->ir = ir_create(&f->p->machine);
    if (!f->region_of || !f->now || !f->known || !f->kept_at || !f->kept_word || !f->fixed || !f->ir)
        return false;
    f->ir->watched = f->o->keep_scratch;
    memset(f->kept_at, 0xff, f->scratch * sizeof *f->kept_at);
    if (words)
        memcpy(f->fixed, f->o->facts.fixed, words * sizeof *f->fixed);
    return true;
}

static enum status lift_all(struct lift *f)
{
    if (!look_around(f) || !prepare(f))
        return no_memory(f->d);
    if (f->scratch > UINT16_MAX)
        return diag_set(f->d, ST_INPUT, "the machine has more than %d scratch words", UINT16_MAX);
    const enum status status = check(f);
    if (status != ST_OK)
        return status;
    if (!list_regions(f) || !find_entered(f) || !find_live(f))
        return no_memory(f->d);
    define(f);
    for (uint32_t r = 0; r < regions(f) && !f->failed && f->ir->status == ST_OK; r++)
        lift_region(f, r);
    return f->failed ? no_memory(f->d) : ir_status(f->ir, f->d);
}

enum status lift_program(const struct prog *p, const struct lift_options *o, struct lifted *out,
                         struct diag *d)
{
    *out = (struct lifted){0};
    struct lift f = {
        .p = p, .o = o, .out = out, .d = d, .scratch = p->machine.scratch, .vlen = p->machine.vlen};
    const enum status status = lift_all(&f);
    free(f.region_of);
    vec_free(&f.begins);
    vec_free(&f.exits);
    free(f.entered);
    free(f.live);
    free(f.kept_at);
    free(f.kept_word);
    vec_free(&f.defs);
    vec_free(&f.slots);
    vec_free(&f.slots_at);
    free(f.now);
    free(f.known);
    free(f.fixed);
    vec_free(&f.bundle);
    vec_free(&f.order);
    return status;
}

void lifted_free(struct lifted *l)
{
    ir_destroy(l->ir);
    vec_free(&l->pauses);
    *l = (struct lifted){0};
}
