#include "builder/passes/fold.h"

#include <stdlib.h>
#include <string.h>

#include "builder/ir/ir_make.h"

enum { DEPTH_MOST = 6 };

/* What is known of a word at this point of the walk. */
struct fact {
    uint32_t value; /* if `known` */
    uint32_t block; /* it is a copy of `word` of this block; IR_NONE: of none */
    uint16_t word;
    uint8_t depth; /* of a known value: ops that make it, one after the other */
    bool known;
    uint8_t writes;  /* in the whole program: 0, 1, or 2 for more */
    bool later;      /* some op after the first region writes it */
    bool written;    /* before this point of the walk */
    uint32_t region; /* that writes it last */
};

/* A constant and where it is, in words that the first region writes once. */
struct known_value {
    uint32_t value, block;
    uint16_t word;
    bool vector;
};

struct fold {
    struct ir *ir;
    struct fold_counts *n;
    struct fact *facts; /* by virtual word */
    uint32_t *word_at;  /* of each block */
    size_t words;
    VEC(struct known_value) known;
    uint32_t region;
    bool failed;
};

static struct fact *fact(const struct fold *f, struct ir_val v, unsigned lane)
{
    return &f->facts[f->word_at[v.block] + ir_word(v, lane)];
}

/* --- sources ----------------------------------------------------------------- */

/* The view that `v` is a copy of: all its words of one block, as far apart as before. */
static struct ir_val original(const struct fold *f, struct ir_val v)
{
    if (v.block == IR_NONE)
        return v;
    const struct fact *first = fact(f, v, 0);
    if (first->block == IR_NONE)
        return v;
    for (unsigned l = 1; l < v.lanes; l++) {
        const struct fact *x = fact(f, v, l);
        if (x->block != first->block || x->word != first->word + l * v.stride)
            return v;
    }
    return (struct ir_val){first->block, first->word, v.stride, v.lanes};
}

static bool known(const struct fold *f, struct ir_val v, uint32_t value)
{
    for (unsigned l = 0; l < v.lanes; l++)
        if (!fact(f, v, l)->known || fact(f, v, l)->value != value)
            return false;
    return true;
}

static bool same(struct ir_val a, struct ir_val b)
{
    return a.block == b.block && a.word == b.word && a.stride == b.stride && a.lanes == b.lanes;
}

/* --- what an op comes to ------------------------------------------------------ */

enum finding { ORDINARY, COPY_OF_FIRST, COPY_OF_SECOND, COPY_OF_THIRD, ALL_ZERO, ALL_ONE };

/* Whether an elementwise op is its first source, its second, 0 or 1, whatever the
 * other values are. What would fault stays. */
static enum finding identity(const struct fold *f, const struct ir_form *x)
{
    const struct ir_val a = x->src[0], b = x->src[1];
    const bool alike = same(a, b);
    switch ((enum isa_op)x->op) {
    case OP_ALU_ADD: return known(f, b, 0) ? COPY_OF_FIRST : known(f, a, 0) ? COPY_OF_SECOND : ORDINARY;
    case OP_ALU_SUB: return known(f, b, 0) ? COPY_OF_FIRST : alike ? ALL_ZERO : ORDINARY;
    case OP_ALU_XOR:
        return known(f, b, 0) ? COPY_OF_FIRST : known(f, a, 0) ? COPY_OF_SECOND : alike ? ALL_ZERO : ORDINARY;
    case OP_ALU_OR:
        return known(f, b, 0) || alike ? COPY_OF_FIRST : known(f, a, 0) ? COPY_OF_SECOND : ORDINARY;
    case OP_ALU_AND:
        return known(f, a, 0) || known(f, b, 0)   ? ALL_ZERO
               : known(f, b, UINT32_MAX) || alike ? COPY_OF_FIRST
               : known(f, a, UINT32_MAX)          ? COPY_OF_SECOND
                                                  : ORDINARY;
    case OP_ALU_MUL:
        return known(f, a, 0) || known(f, b, 0) ? ALL_ZERO
               : known(f, b, 1)                 ? COPY_OF_FIRST
               : known(f, a, 1)                 ? COPY_OF_SECOND
                                                : ORDINARY;
    case OP_ALU_SHL:
    case OP_ALU_SHR: return known(f, b, 0) ? COPY_OF_FIRST : known(f, a, 0) ? ALL_ZERO : ORDINARY;
    case OP_ALU_DIV:
    case OP_ALU_CDIV: return known(f, b, 1) ? COPY_OF_FIRST : ORDINARY;
    case OP_ALU_MOD: return known(f, b, 1) ? ALL_ZERO : ORDINARY;
    case OP_ALU_LT: return known(f, b, 0) || alike ? ALL_ZERO : ORDINARY;
    case OP_ALU_EQ: return alike ? ALL_ONE : ORDINARY;
    default: return ORDINARY;
    }
}

/* cond ? a : b with a condition known in all lanes, or with a and b alike. */
static enum finding selected(const struct fold *f, const struct ir_form *x)
{
    const struct ir_val cond = x->src[0];
    bool all_true = true;
    for (unsigned l = 0; l < cond.lanes; l++)
        all_true = all_true && fact(f, cond, l)->known && fact(f, cond, l)->value;
    if (all_true || same(x->src[1], x->src[2]))
        return COPY_OF_SECOND;
    return known(f, cond, 0) ? COPY_OF_THIRD : ORDINARY;
}

static enum finding find(const struct fold *f, const struct ir_op *op)
{
    if (ir_is_elementwise(op))
        return identity(f, &op->form);
    if (op->form.op == OP_SELECT || op->form.op == OP_VSELECT)
        return selected(f, &op->form);
    if (op->form.op == OP_MULTIPLY_ADD && (known(f, op->form.src[0], 0) || known(f, op->form.src[1], 0)))
        return COPY_OF_THIRD;
    return ORDINARY;
}

/* a * b + 0 and a * 1 + c are elementwise operations, which alu runs too. */
static void simplify(struct fold *f, struct ir_op *op)
{
    struct ir_form *x = &op->form;
    if (x->op != OP_MULTIPLY_ADD)
        return;
    const unsigned one = known(f, x->src[0], 1) ? 0 : known(f, x->src[1], 1) ? 1 : 2;
    if (known(f, x->src[2], 0))
        *x = ir_form(OP_ALU_MUL, 2, x->src[0], x->src[1], ir_no_val);
    else if (one < 2)
        *x = ir_form(OP_ALU_ADD, 2, x->src[1 - one], x->src[2], ir_no_val);
    else
        return;
    op->alu_only = false;
    f->n->simplified++;
}

/* --- facts ------------------------------------------------------------------- */

/* What an op comes to. */
struct outcome {
    enum finding what;
    bool constant, uniform; /* all results are known; and alike */
    uint8_t depth;          /* of a constant */
    uint32_t result[UINT8_MAX + 1];
};

/* The results by the machine's evaluators; false if some lane is not known. */
static bool evaluate(const struct fold *f, const struct ir_op *op, struct outcome *out)
{
    const struct isa_info *info = isa_info((enum isa_op)op->form.op);
    if (info->kind != KIND_PURE)
        return false;
    for (unsigned l = 0; l < op->lanes; l++) {
        uint32_t s[IR_SOURCES] = {0};
        for (unsigned k = 0; k < op->form.sources; k++) {
            const struct fact *x = fact(f, op->form.src[k], l);
            if (!x->known)
                return false;
            s[k] = x->value;
            if (out->depth <= x->depth && x->depth < UINT8_MAX)
                out->depth = (uint8_t)(x->depth + 1);
        }
        if (info->partial && s[1] == 0)
            return false;
        out->result[l] = isa_eval((enum isa_op)op->form.op, s[0], s[1], s[2], (uint32_t)op->literal);
    }
    return true;
}

static struct outcome assess(const struct fold *f, const struct ir_op *op)
{
    struct outcome out = {.what = find(f, op), .depth = op->form.op != OP_CONST};
    if (out.what == ALL_ZERO || out.what == ALL_ONE) {
        for (unsigned l = 0; l < op->lanes; l++)
            out.result[l] = out.what == ALL_ONE;
        out.constant = true;
    } else {
        out.constant = evaluate(f, op, &out);
    }
    out.uniform = out.constant;
    for (unsigned l = 1; l < op->lanes; l++)
        out.uniform = out.uniform && out.result[l] == out.result[0];
    return out;
}

/* Whether reads of a copy may read `src` instead, up to the region's end: its words
 * are written once, but not from here on (a loop may run the one write again). */
static bool may_stand(const struct fold *f, struct ir_val src)
{
    for (unsigned l = 0; src.block != f->ir->zero.block && l < src.lanes; l++) {
        const struct fact *s = fact(f, src, l);
        if (s->writes != 1 || (!s->written && s->region == f->region))
            return false;
    }
    return true;
}

static void forget(struct fold *f, struct ir_val dest)
{
    for (unsigned l = 0; dest.block != IR_NONE && l < dest.lanes; l++) {
        struct fact *x = fact(f, dest, l);
        x->known = false;
        x->block = IR_NONE;
        x->written = true;
    }
}

/* --- constants that are there ------------------------------------------------- */

static const struct known_value *find_known(const struct fold *f, uint32_t value, bool vector)
{
    for (size_t i = 0; i < f->known.n; i++)
        if (f->known.at[i].value == value && f->known.at[i].vector == vector)
            return &f->known.at[i];
    return NULL;
}

static bool is_vector(const struct fold *f, struct ir_val v)
{
    return v.lanes == f->ir->machine.vlen && v.lanes > 1 && v.stride == 1;
}

static void add_known(struct fold *f, uint32_t value, struct ir_val v)
{
    const bool vector = is_vector(f, v);
    if (f->region || (v.lanes != 1 && !vector) || find_known(f, value, vector))
        return;
    for (unsigned l = 0; l < v.lanes; l++)
        if (fact(f, v, l)->writes > 1)
            return;
    if (!vec_push(&f->known, (struct known_value){value, v.block, v.word, vector}))
        f->failed = true;
}

/* A val of `value` that can stand for v, block IR_NONE if there is none. */
static struct ir_val at_hand(const struct fold *f, struct ir_val v, uint32_t value)
{
    const struct known_value *p = find_known(f, value, is_vector(f, v));
    if (!p || (v.lanes != 1 && !p->vector))
        return ir_no_val;
    return (struct ir_val){p->block, p->word, v.stride, v.lanes};
}

/* Shared constants are left as constant.c has chosen to make them. */
static bool is_shared(const struct fold *f, struct ir_val v)
{
    for (size_t i = 0; i < f->ir->consts.n; i++)
        if (f->ir->consts.at[i].scalar.block == v.block || f->ir->consts.at[i].vector.block == v.block)
            return true;
    return false;
}

/* The cheapest op that makes the value: a load, or a broadcast of what is there. */
static void make_constant(struct fold *f, struct ir_op *op, uint32_t value, unsigned depth)
{
    const bool slot_is_dear = !ir_is_elementwise(op) && op->form.op != OP_VBROADCAST;
    const struct known_value *scalar = find_known(f, value, false);
    if (op->form.op == OP_CONST || !(slot_is_dear || depth > DEPTH_MOST))
        return;
    struct ir_op made = *op;
    made.alu_only = false;
    made.alt = (struct ir_form){.op = OP_UNKNOWN};
    if (op->lanes == 1 && !is_vector(f, op->dest)) {
        made.form = ir_form(OP_CONST, 0, ir_no_val, ir_no_val, ir_no_val);
        made.alt = ir_form(OP_ADD_IMM, 1, f->ir->zero, ir_no_val, ir_no_val);
        made.literal = value;
    } else if (is_vector(f, op->dest) && (scalar || !value)) {
        const struct ir_val from = value ? (struct ir_val){scalar->block, scalar->word, 1, 1} : f->ir->zero;
        ir_broadcast_forms(f->ir, &made, from);
    } else {
        return;
    }
    *op = made;
    f->n->constants++;
}

/* --- the walk ---------------------------------------------------------------- */

/* Reads of dest are to read src from now on. */
static void copy(struct fold *f, struct ir_val dest, struct ir_val src)
{
    for (unsigned l = 0; l < dest.lanes; l++) {
        struct fact *d = fact(f, dest, l);
        d->block = src.block;
        d->word = (uint16_t)ir_word(src, l);
    }
}

static void learn(struct fold *f, const struct ir_op *op, const struct outcome *out)
{
    for (unsigned l = 0; l < op->lanes; l++) {
        struct fact *x = fact(f, op->dest, l);
        x->known = true;
        x->value = out->result[l];
        x->depth = op->form.op == OP_CONST ? 0 : out->depth;
    }
}

/* The val that can be read instead of the op's result, block IR_NONE if there is none. */
static struct ir_val stand_in(struct fold *f, const struct ir_op *op, const struct outcome *out)
{
    struct ir_val src = ir_no_val;
    uint32_t *count = &f->n->constants;
    if (out->uniform && !is_shared(f, op->dest))
        src = at_hand(f, op->dest, out->result[0]);
    if (src.block == IR_NONE && out->what >= COPY_OF_FIRST && out->what <= COPY_OF_THIRD) {
        src = op->form.src[out->what - COPY_OF_FIRST];
        count = &f->n->copies;
    }
    if (src.block == IR_NONE || !may_stand(f, src))
        return ir_no_val;
    ++*count;
    return src;
}

static void fold_op(struct fold *f, struct ir_op *op)
{
    for (unsigned k = 0; k < op->form.sources; k++)
        op->form.src[k] = original(f, op->form.src[k]);
    for (unsigned k = 0; ir_has_alt(op) && k < op->alt.sources; k++)
        op->alt.src[k] = original(f, op->alt.src[k]);
    if (!ir_has_dest(op))
        return;
    simplify(f, op);
    const struct outcome out = assess(f, op);
    const struct ir_val src = stand_in(f, op, &out);
    forget(f, op->dest);
    if (src.block != IR_NONE)
        copy(f, op->dest, src);
    else if (out.uniform && !is_shared(f, op->dest))
        make_constant(f, op, out.result[0], out.depth);
    if (out.constant)
        learn(f, op, &out);
    if (out.uniform && src.block == IR_NONE)
        add_known(f, out.result[0], op->dest);
}

/* At the start of a later region: facts hold of words that the first alone writes. */
static void keep_lasting(struct fold *f)
{
    for (size_t i = 0; i < f->words; i++)
        if (f->facts[i].later) {
            f->facts[i].known = false;
            f->facts[i].block = IR_NONE;
        }
}

static void fold_region(struct fold *f, uint32_t region)
{
    f->region = region;
    if (region)
        keep_lasting(f);
    for (uint32_t i = f->ir->regions.at[region].first_op; i < ir_region_end(f->ir, region); i++)
        fold_op(f, &f->ir->ops.at[i]);
    if (f->ir->regions.at[region].cond.block != IR_NONE)
        f->ir->regions.at[region].cond = original(f, f->ir->regions.at[region].cond);
}

static void count_writes(struct fold *f, struct ir_val dest, uint32_t region)
{
    for (unsigned l = 0; dest.block != IR_NONE && l < dest.lanes; l++) {
        struct fact *x = fact(f, dest, l);
        x->writes = x->writes ? 2 : 1;
        x->later = region > 0;
        x->region = region;
    }
}

static bool prepare(struct fold *f)
{
    const struct ir *ir = f->ir;
    f->word_at = malloc((ir->blocks.n + 1) * sizeof *f->word_at);
    for (size_t b = 0; f->word_at && b < ir->blocks.n; b++) {
        f->word_at[b] = (uint32_t)f->words;
        f->words += ir->blocks.at[b].words;
    }
    f->facts = calloc(f->words + 1, sizeof *f->facts);
    if (!f->word_at || !f->facts)
        return false;
    for (size_t i = 0; i < f->words; i++)
        f->facts[i].block = IR_NONE;
    for (uint32_t r = 0; r < ir->regions.n; r++)
        for (uint32_t i = ir->regions.at[r].first_op; i < ir_region_end(ir, r); i++)
            count_writes(f, ir->ops.at[i].dest, r);
    fact(f, ir->zero, 0)->known = true;
    return vec_push(&f->known, (struct known_value){0, ir->zero.block, ir->zero.word, false});
}

enum status fold_ir(struct ir *ir, struct fold_counts *counts, struct diag *d)
{
    struct fold_counts none = {0};
    struct fold f = {.ir = ir, .n = counts ? counts : &none};
    *f.n = none;
    bool good = prepare(&f);
    for (uint32_t r = 0; good && r < ir->regions.n; r++) {
        fold_region(&f, r);
        good = !f.failed;
    }
    good = good && fold_dead(ir, &f.n->dead);
    free(f.facts);
    free(f.word_at);
    vec_free(&f.known);
    return good ? ST_OK : diag_set(d, ST_NOMEM, "out of memory while folding a kernel");
}

/* --- fold dead --------------------------------------------------------------------------- */

struct dead {
    struct ir *ir;
    uint32_t *word_at; /* of each block */
    uint32_t *home;    /* of each block, as ir_block_homes says */
    bool *live;        /* by virtual word: somebody reads it after this point of the walk */
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
    for (size_t b = 0; ir->watched && b < ir->blocks.n; b++)
        if (ir->blocks.at[b].pinned)
            memset(x->read + x->word_at[b], true, ir->blocks.at[b].words);
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
