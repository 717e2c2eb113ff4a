#include "builder/passes/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a word holds: lane `lane` of op `op` is the number lane_at[op] + lane; the value
 * that word w of block b had when control entered the region is entry + word_at[b] + w. */
enum { VERIFY_FORMS = 2 };
#define VERIFY_NOTHING UINT32_MAX

struct verify_segment {
    uint32_t first, end; /* memory words */
    uint32_t stores;     /* that may have touched it, so far */
    uint32_t issued;     /* with those in flight */
};

/* To scratch, or (word VERIFY_NOTHING) to memory by the op `value`. */
struct verify_write {
    uint32_t word, value;
    uint32_t due; /* the cycle from which on it is there */
};

struct verify_walk {
    const struct ir *ir;
    const struct emitted *e;
    struct text *all;
    struct diag *d;
    unsigned findings;
    bool failed; /* out of memory */

    uint32_t *lane_at; /* of each op */
    uint32_t *word_at; /* of each block */
    uint32_t words, entry;
    uint32_t *held;    /* by virtual word, in the order of the ir */
    uint32_t *scratch; /* by scratch word, in the order of the bundles */
    bool *done;        /* by lane number: a slot executes it */

    /* Of the region at hand. */
    uint32_t region, first_op, end_op;
    uint32_t *want_at;  /* of each op: where its reads begin in `want` */
    VEC(uint32_t) want; /* by form, source and lane: what must be read */
    uint32_t *seen_at;  /* of each op: where its segments begin in `seen` */
    VEC(uint32_t) seen; /* stores before, by segment of the access */
    VEC(struct verify_segment) segments;
    uint32_t cycle;
    VEC(struct verify_write) writes; /* of the bundle at hand, and those in flight */
    VEC(uint32_t) stores;            /* slots of the bundle at hand */
    bool jumped;
};

static inline const struct ir_form *verify_form(const struct ir_op *op, unsigned form)
{
    return form ? &op->alt : &op->form;
}

/* Memory cut at the ends of what the region's stores may touch. */
void verify_cut_memory(struct verify_walk *w);

/* The segments that an access may touch: half-open. */
struct prog_span verify_segments(const struct verify_walk *w, struct ir_mem m);

/* The region in the order of the ir, from what `held` says: fills want and seen. */
void verify_walk_ir(struct verify_walk *w);

/* --- findings ---------------------------------------------------------------- */

static void __attribute__((format(printf, 2, 3))) found(struct verify_walk *w, const char *format, ...)
{
    char what[DIAG_TEXT];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (!w->findings)
        (void)diag_set(w->d, ST_INPUT, "the emitted program is wrong: %s", what);
    if (w->all && w->findings < VERIFY_LISTED)
        text_addf(w->all, "%s\n", what);
    w->findings++;
}

struct slot_label {
    char text[100];
};

/* "bundle 12, valu slot 3, op 456 (hash, strand 7)" */
static struct slot_label slot_label_of(const struct verify_walk *w, uint32_t bundle, uint32_t slot)
{
    struct slot_label p;
    uint32_t nth = 0;
    const struct isa_slot *slots = w->e->prog->slots.at;
    const uint32_t begin = prog_bundle_slots(w->e->prog, bundle).begin;
    for (uint32_t s = begin; s < slot; s++)
        nth += slots[s].engine == slots[slot].engine;
    const int n = snprintf(p.text, sizeof p.text, "bundle %u, %s slot %u", bundle,
                           isa_engine_name((enum isa_engine)slots[slot].engine), nth);
    const uint32_t op = w->e->origins.at[slot].op;
    if (op < w->ir->ops.n) {
        const struct ir_tag tag = w->ir->ops.at[op].tag;
        (void)snprintf(p.text + n, sizeof p.text - (size_t)n, ", op %u (%.24s, strand %d, round %u)", op,
                       w->ir->stages.at[tag.stage], tag.strand == IR_SHARED ? -1 : tag.strand, tag.round);
    }
    return p;
}

/* "op 12 lane 3", "word 2 of block 7 as the region found it" */
static struct slot_label value_text(const struct verify_walk *w, uint32_t value)
{
    struct slot_label p;
    if (value == VERIFY_NOTHING) {
        (void)snprintf(p.text, sizeof p.text, "nothing known");
    } else if (value < w->entry) {
        uint32_t low = 0, high = (uint32_t)w->ir->ops.n - 1;
        while (low < high) {
            const uint32_t mid = (low + high + 1) / 2;
            if (w->lane_at[mid] <= value)
                low = mid;
            else
                high = mid - 1;
        }
        (void)snprintf(p.text, sizeof p.text, "lane %u of op %u", value - w->lane_at[low], low);
    } else {
        uint32_t block = 0;
        while (block + 1 < w->ir->blocks.n && w->word_at[block + 1] <= value - w->entry)
            block++;
        const char *name = w->ir->blocks.at[block].name;
        (void)snprintf(p.text, sizeof p.text, "word %u of block %u %.40s as the region found it",
                       value - w->entry - w->word_at[block], block, name ? name : "");
    }
    return p;
}

/* --- the order of the bundles ------------------------------------------------ */

/* The form of the op that the slot's operation executes, or NULL. */
static const struct ir_form *executed(const struct ir_op *op, const struct isa_slot *slot, unsigned *index)
{
    for (unsigned f = 0; f < VERIFY_FORMS; f++) {
        const struct ir_form *form = verify_form(op, f);
        const enum isa_op code = (enum isa_op)form->op;
        if (code >= ISA_OPS)
            continue;
        const bool wide = !f && isa_is_alu(code) && !op->alu_only && slot->op == isa_to_valu(code);
        *index = f;
        if (slot->op == code || wide)
            return form;
    }
    return NULL;
}

/* Whether scratch word `word` is one, and holds what is wanted. */
static bool holds(const struct verify_walk *w, int64_t word, uint32_t want)
{
    const bool inside = word >= 0 && word < w->ir->machine.scratch;
    return inside && (want == VERIFY_NOTHING || w->scratch[word] == want);
}

static void wrong_read(struct verify_walk *w, uint32_t bundle, uint32_t slot, int64_t word, uint32_t want)
{
    const struct slot_label at = slot_label_of(w, bundle, slot);
    if (word < 0 || word >= w->ir->machine.scratch)
        found(w, "%s reads scratch word %lld of %u", at.text, (long long)word, w->ir->machine.scratch);
    else
        found(w, "%s reads %s from scratch word %lld, expected %s", at.text,
              value_text(w, w->scratch[word]).text, (long long)word, value_text(w, want).text);
}

/* One finding for each operand is enough. */
static void check_reads(struct verify_walk *w, uint32_t bundle, uint32_t slot, const struct ir_form *form,
                        unsigned f)
{
    const struct isa_slot *s = &w->e->prog->slots.at[slot];
    const struct emit_origin o = w->e->origins.at[slot];
    const unsigned lanes = w->ir->ops.at[o.op].lanes;
    const struct isa_effects fx = isa_effects(s, w->ir->machine.vlen);
    if (fx.reads != form->sources) {
        found(w, "%s has %u sources, expected %u", slot_label_of(w, bundle, slot).text, fx.reads,
              form->sources);
        return;
    }
    for (unsigned k = 0; k < fx.reads; k++)
        for (unsigned lane = 0; lane < fx.read[k].n && o.first + lane < lanes; lane++) {
            const uint32_t at = w->want_at[o.op] + (f * IR_SOURCES + k) * lanes + o.first + lane;
            if (!holds(w, fx.read[k].first + lane, w->want.at[at])) {
                wrong_read(w, bundle, slot, fx.read[k].first + lane, w->want.at[at]);
                break;
            }
        }
}

static void check_writes(struct verify_walk *w, uint32_t bundle, uint32_t slot)
{
    const struct isa_slot *s = &w->e->prog->slots.at[slot];
    const struct emit_origin o = w->e->origins.at[slot];
    const struct isa_effects fx = isa_effects(s, w->ir->machine.vlen);
    if (!fx.writes)
        return;
    for (uint32_t lane = 0; lane < fx.write.n; lane++) {
        const int64_t word = fx.write.first + lane;
        if (word < 0 || word >= w->ir->machine.scratch) {
            found(w, "%s writes scratch word %lld of %u", slot_label_of(w, bundle, slot).text,
                  (long long)word, w->ir->machine.scratch);
            return;
        }
        const uint32_t due = w->cycle + w->ir->machine.latency[s->engine];
        if (!vec_push(&w->writes,
                      (struct verify_write){(uint32_t)word, w->lane_at[o.op] + o.first + lane, due}))
            w->failed = true;
    }
}

/* The lanes that the slot claims: as many as its operation writes, none done before. */
static void check_lanes(struct verify_walk *w, uint32_t bundle, uint32_t slot)
{
    const struct isa_slot *s = &w->e->prog->slots.at[slot];
    const struct emit_origin o = w->e->origins.at[slot];
    const unsigned lanes = w->ir->ops.at[o.op].lanes;
    const bool one = isa_is_alu((enum isa_op)s->op);
    const struct isa_effects fx = isa_effects(s, w->ir->machine.vlen);
    if (o.lanes != (one ? 1 : lanes) || o.first + o.lanes > lanes || (fx.writes && fx.write.n != o.lanes)) {
        found(w, "%s executes lanes %u to %u of %u", slot_label_of(w, bundle, slot).text, o.first,
              o.first + o.lanes - 1u, lanes);
        return;
    }
    for (uint32_t lane = o.first; lane < (uint32_t)o.first + o.lanes; lane++) {
        if (w->done[w->lane_at[o.op] + lane])
            found(w, "%s executes lane %u a second time", slot_label_of(w, bundle, slot).text, lane);
        w->done[w->lane_at[o.op] + lane] = true;
    }
}

/* The same stores as in the ir have touched what the op may touch: before a store they are
 * issued, before a load they have committed. */
static void check_memory(struct verify_walk *w, uint32_t bundle, uint32_t slot)
{
    const uint32_t i = w->e->origins.at[slot].op;
    const struct ir_op *op = &w->ir->ops.at[i];
    const struct prog_span s = verify_segments(w, op->mem);
    const bool store = isa_is_store((enum isa_op)op->form.op);
    for (uint32_t k = s.begin; k < s.end; k++) {
        const struct verify_segment *g = &w->segments.at[k];
        const uint32_t want = w->seen.at[w->seen_at[i] + (k - s.begin)], n = store ? g->issued : g->stores;
        if (n != want) {
            found(w, "%s comes after %u stores to memory words %u to %u, expected %u",
                  slot_label_of(w, bundle, slot).text, n, g->first, g->end - 1, want);
            break;
        }
    }
    for (uint32_t k = s.begin; k < s.end && store; k++)
        w->segments.at[k].issued++;
    const uint32_t due = w->cycle + w->ir->machine.latency[ENGINE_STORE];
    if (store && !vec_push(&w->writes, (struct verify_write){VERIFY_NOTHING, i, due}))
        w->failed = true;
}

static void check_op(struct verify_walk *w, uint32_t bundle, uint32_t slot)
{
    const struct isa_slot *s = &w->e->prog->slots.at[slot];
    const uint32_t i = w->e->origins.at[slot].op;
    if (i < w->first_op || i >= w->end_op) {
        found(w, "%s is not of region %u", slot_label_of(w, bundle, slot).text, w->region);
        return;
    }
    const struct ir_op *op = &w->ir->ops.at[i];
    unsigned f = 0;
    const struct ir_form *form = executed(op, s, &f);
    if (!form) {
        found(w, "%s has operation %s, expected %s", slot_label_of(w, bundle, slot).text,
              isa_info((enum isa_op)s->op)->name, isa_info((enum isa_op)op->form.op)->name);
        return;
    }
    if (isa_has_literal((enum isa_op)s->op) && (uint32_t)s->literal != (uint32_t)op->literal)
        found(w, "%s has literal %lld, expected %lld", slot_label_of(w, bundle, slot).text,
              (long long)s->literal, (long long)op->literal);
    check_lanes(w, bundle, slot);
    check_reads(w, bundle, slot, form, f);
    check_writes(w, bundle, slot);
    if (isa_is_store((enum isa_op)op->form.op)) {
        if (!vec_push(&w->stores, slot))
            w->failed = true;
    } else if (isa_is_access((enum isa_op)op->form.op)) {
        check_memory(w, bundle, slot);
    }
}

/* The slot at the region's end that says where control goes. */
static void check_exit(struct verify_walk *w, uint32_t bundle, uint32_t slot)
{
    const struct isa_slot *s = &w->e->prog->slots.at[slot];
    const struct ir_region *r = &w->ir->regions.at[w->region];
    const struct slot_label at = slot_label_of(w, bundle, slot);
    static const uint8_t ops[] = {[IR_NEXT] = OP_COND_JUMP,
                                  [IR_JUMP] = OP_JUMP,
                                  [IR_HALT] = OP_HALT,
                                  [IR_PAUSE] = OP_PAUSE,
                                  [IR_TRACE] = OP_TRACE_WRITE};
    if (s->op != ops[r->exit] || !ir_has_exit(r) || w->jumped) {
        found(w, "%s has no place in region %u", at.text, w->region);
        return;
    }
    w->jumped = true;
    if (bundle + 1 != w->e->region_at.at[w->region + 1])
        found(w, "%s leaves before the end of region %u", at.text, w->region);
    const uint32_t target = w->e->region_at.at[r->target];
    if ((r->exit == IR_NEXT || r->exit == IR_JUMP) && s->literal != target)
        found(w, "%s jumps to bundle %lld, expected %u", at.text, (long long)s->literal, target);
    if (r->cond.block == IR_NONE)
        return;
    const uint32_t want = w->held[w->word_at[r->cond.block] + r->cond.word];
    if (!holds(w, s->arg[0], want))
        wrong_read(w, bundle, slot, s->arg[0], want);
}

static void check_slot(struct verify_walk *w, uint32_t bundle, uint32_t slot, unsigned engine)
{
    const struct isa_slot *s = &w->e->prog->slots.at[slot];
    if (s->op >= ISA_OPS || s->engine != engine || isa_info((enum isa_op)s->op)->engine != engine)
        found(w, "%s is not an operation of %s", slot_label_of(w, bundle, slot).text,
              isa_engine_name((enum isa_engine)engine));
    else if (w->e->origins.at[slot].op == IR_NONE)
        check_exit(w, bundle, slot);
    else
        check_op(w, bundle, slot);
}

/* What is due by this cycle is there, in the order of issue. */
static void commit(struct verify_walk *w, uint32_t cycle)
{
    size_t left = 0;
    for (size_t i = 0; i < w->writes.n; i++) {
        const struct verify_write x = w->writes.at[i];
        if (x.due > cycle) {
            w->writes.at[left++] = x;
        } else if (x.word != VERIFY_NOTHING) {
            w->scratch[x.word] = x.value;
        } else {
            const struct prog_span s = verify_segments(w, w->ir->ops.at[x.value].mem);
            for (uint32_t k = s.begin; k < s.end; k++)
                w->segments.at[k].stores++;
        }
    }
    w->writes.n = left;
}

static void walk_bundle(struct verify_walk *w, uint32_t bundle)
{
    const struct prog *p = w->e->prog;
    const struct prog_span groups = prog_groups(p, bundle);
    uint32_t used[ISA_ENGINES] = {0};
    w->stores.n = 0;
    for (uint32_t g = groups.begin; g < groups.end; g++) {
        const struct prog_span slots = prog_slots(p, g);
        const unsigned engine = p->groups.at[g].engine;
        for (uint32_t slot = slots.begin; slot < slots.end; slot++) {
            if (++used[engine] == w->ir->machine.slots[engine] + 1)
                found(w, "%s is one too many", slot_label_of(w, bundle, slot).text);
            check_slot(w, bundle, slot, engine);
        }
    }
    for (size_t i = 0; i < w->stores.n; i++)
        check_memory(w, bundle, w->stores.at[i]);
    w->cycle += prog_costs_cycle(p, bundle);
    commit(w, w->cycle);
}

/* --- regions ----------------------------------------------------------------- */

static void enter_region(struct verify_walk *w)
{
    for (uint32_t i = 0; i < w->ir->machine.scratch; i++)
        w->scratch[i] = VERIFY_NOTHING;
    for (uint32_t b = 0; b < w->ir->blocks.n; b++)
        for (uint32_t k = 0; k < w->ir->blocks.at[b].words; k++) {
            const uint32_t home = w->e->home.at[b], virtual = w->word_at[b] + k;
            w->held[virtual] = home == IR_NONE ? VERIFY_NOTHING : w->entry + virtual;
            if (home != IR_NONE)
                w->scratch[home + k] = w->entry + virtual;
        }
}

/* What must hold when control leaves. At its end a program waits by itself. */
static void leave_region(struct verify_walk *w)
{
    if (w->region + 1 == w->ir->regions.n)
        commit(w, UINT32_MAX);
    if (w->writes.n)
        found(w, "%zu writes are in flight at the end of region %u", w->writes.n, w->region);
    for (uint32_t b = 0; b < w->ir->blocks.n; b++)
        for (uint32_t k = 0; k < w->ir->blocks.at[b].words && w->e->home.at[b] != IR_NONE; k++) {
            const uint32_t word = w->e->home.at[b] + k, want = w->held[w->word_at[b] + k];
            if (w->scratch[word] != want)
                found(w, "at the end of region %u scratch word %u holds %s, expected %s", w->region, word,
                      value_text(w, w->scratch[word]).text, value_text(w, want).text);
        }
    for (uint32_t i = w->first_op; i < w->end_op; i++)
        for (unsigned lane = 0; lane < w->ir->ops.at[i].lanes; lane++)
            if (!w->done[w->lane_at[i] + lane])
                found(w, "lane %u of op %u (%s) is not executed", lane, i,
                      w->ir->stages.at[w->ir->ops.at[i].tag.stage]);
    if (ir_has_exit(&w->ir->regions.at[w->region]) && !w->jumped)
        found(w, "region %u ends without its exit", w->region);
}

static void walk_region(struct verify_walk *w, uint32_t region)
{
    w->region = region;
    w->first_op = w->ir->regions.at[region].first_op;
    w->end_op = ir_region_end(w->ir, region);
    w->jumped = false;
    enter_region(w);
    verify_cut_memory(w);
    if (!w->failed)
        verify_walk_ir(w);
    for (size_t i = 0; i < w->segments.n; i++)
        w->segments.at[i].stores = w->segments.at[i].issued = 0;
    w->writes.n = w->cycle = 0;
    for (uint32_t b = w->e->region_at.at[region]; b < w->e->region_at.at[region + 1] && !w->failed; b++)
        walk_bundle(w, b);
    leave_region(w);
}

static uint32_t *numbers(struct verify_walk *w, size_t n)
{
    uint32_t *at = malloc((n + 1) * sizeof *at);
    if (!at)
        w->failed = true;
    else
        memset(at, 0xff, (n + 1) * sizeof *at);
    return at;
}

/* A block that a second region sees, and the zero word, must have words of their own. */
static void need_home(struct verify_walk *w, struct ir_val v, uint32_t region, uint32_t *user)
{
    if (v.block == IR_NONE)
        return;
    if (user[v.block] != IR_NONE && user[v.block] != region && w->e->home.at[v.block] == IR_NONE)
        found(w, "block %u of several regions has no words of its own", v.block);
    user[v.block] = region;
}

static void check_homes(struct verify_walk *w)
{
    uint32_t *user = numbers(w, w->ir->blocks.n);
    for (uint32_t r = 0; user && r < w->ir->regions.n; r++) {
        need_home(w, w->ir->regions.at[r].cond, r, user);
        for (uint32_t i = w->ir->regions.at[r].first_op; i < ir_region_end(w->ir, r); i++) {
            const struct ir_op *op = &w->ir->ops.at[i];
            need_home(w, op->dest, r, user);
            for (unsigned f = 0; f < VERIFY_FORMS; f++)
                for (unsigned k = 0; k < verify_form(op, f)->sources; k++)
                    need_home(w, verify_form(op, f)->src[k], r, user);
        }
    }
    if (w->e->home.at[w->ir->zero.block] == IR_NONE)
        found(w, "the zero word is not kept");
    free(user);
}

/* Blocks that keep their words do not share them. */
static void check_words(struct verify_walk *w)
{
    for (uint32_t b = 0; b < w->e->home.n; b++)
        for (uint32_t k = 0; k < w->ir->blocks.at[b].words && w->e->home.at[b] != IR_NONE; k++) {
            const uint64_t word = (uint64_t)w->e->home.at[b] + k;
            if (word >= w->ir->machine.scratch || w->scratch[word] != VERIFY_NOTHING) {
                found(w, "block %u shares the words it keeps", b);
                return;
            }
            w->scratch[word] = b;
        }
}

/* Whether the lists belong to one program of this ir. */
static bool has_shape(const struct verify_walk *w)
{
    const struct emitted *e = w->e;
    const size_t regions = w->ir->regions.n;
    bool good = e->origins.n == e->prog->slots.n && e->home.n == w->ir->blocks.n &&
                e->region_at.n == regions + 1 && e->region_at.at[0] == 0 &&
                e->region_at.at[regions] == e->prog->bundles.n &&
                memcmp(&e->prog->machine, &w->ir->machine, sizeof w->ir->machine) == 0;
    for (size_t r = 0; good && r < regions; r++)
        good = e->region_at.at[r] <= e->region_at.at[r + 1];
    return good;
}

static void prepare(struct verify_walk *w)
{
    w->lane_at = numbers(w, w->ir->ops.n);
    w->want_at = numbers(w, w->ir->ops.n);
    w->seen_at = numbers(w, w->ir->ops.n);
    w->word_at = numbers(w, w->ir->blocks.n);
    w->scratch = numbers(w, w->ir->machine.scratch);
    if (w->failed)
        return;
    for (size_t i = 0; i < w->ir->ops.n; i++) {
        w->lane_at[i] = w->entry;
        w->entry += w->ir->ops.at[i].lanes;
    }
    for (size_t b = 0; b < w->ir->blocks.n; b++) {
        w->word_at[b] = w->words;
        w->words += w->ir->blocks.at[b].words;
    }
    w->held = numbers(w, w->words);
    w->done = calloc(w->entry + 1u, sizeof *w->done);
    w->failed = w->failed || !w->done;
}

enum status verify_program(const struct ir *ir, const struct emitted *e, struct text *all, struct diag *d)
{
    struct verify_walk w = {.ir = ir, .e = e, .all = all, .d = d};
    prepare(&w);
    if (!w.failed && !has_shape(&w))
        found(&w, "it does not have the shape of this kernel");
    if (!w.failed && !w.findings)
        check_homes(&w);
    if (!w.failed && !w.findings)
        check_words(&w);
    for (uint32_t r = 0; r < ir->regions.n && !w.failed && (r || !w.findings); r++)
        walk_region(&w, r);
    free(w.lane_at);
    free(w.want_at);
    free(w.seen_at);
    free(w.word_at);
    free(w.held);
    free(w.scratch);
    free(w.done);
    vec_free(&w.want);
    vec_free(&w.seen);
    vec_free(&w.segments);
    vec_free(&w.writes);
    vec_free(&w.stores);
    if (w.failed)
        return diag_set(d, ST_NOMEM, "out of memory while verifying a program");
    return w.findings ? ST_INPUT : ST_OK;
}

/* --- verify order ------------------------------------------------------------------------ */

/* What every access must find, by the order of the ir. */

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
