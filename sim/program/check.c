/* The static checker: one pass for what the whole program writes, one for where
 * control can get, and one over the bundles for everything else. What a slot
 * touches comes from the operation table alone. */
#include "sim/program/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/program/reach.h"

struct checker {
    const struct prog *p;
    const struct isa_machine *m;
    size_t limit;
    struct prog_findings *out;
    bool *written;    /* by scratch word: somewhere in the program, or reported already */
    bool *reached;    /* by bundle */
    uint32_t *writer; /* by scratch word: the last slot that writes it, plus 1 */
    bool failed;      /* out of memory */
    /* Where the pass is. */
    uint32_t bundle, first_slot, slot;
    enum isa_engine engine;
};

static void report(struct checker *c, enum prog_severity severity, const char *kind, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void report(struct checker *c, enum prog_severity severity, const char *kind, const char *format, ...)
{
    *(severity == PROG_ERROR ? &c->out->errors : &c->out->warnings) += 1;
    if (c->out->list.n >= c->limit)
        return;
    char what[300];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    struct prog_finding f = {severity, c->bundle, c->engine, c->slot - c->first_slot, kind, NULL, NULL};
    struct text slot = {0};
    if (c->engine != ISA_ENGINES) {
        prog_slot_text(c->p, &c->p->slots.at[c->slot], &slot);
        f.slot_text = text_ok(&slot) ? arena_text(&c->out->arena, slot.at, slot.n) : NULL;
    }
    text_free(&slot);
    f.text = arena_text(&c->out->arena, what, strlen(what));
    if (!f.text || (c->engine != ISA_ENGINES && !f.slot_text) || !vec_push(&c->out->list, f))
        c->failed = true;
}

static bool in_scratch(const struct checker *c, const struct isa_range *r)
{
    return r->first >= 0 && r->first + r->n <= c->m->scratch;
}

/* An address with its name, as "idx (scratch 5)" or "scratch 5". */
static const char *address_name(struct checker *c, int64_t address, char *buffer, size_t size)
{
    struct text name = {0};
    prog_address_text(c->p, address, &name);
    const bool named = name.n && name.at[0] != '-' && (name.at[0] < '0' || name.at[0] > '9');
    if (named)
        (void)snprintf(buffer, size, "%.60s (scratch %" PRId64 ")", name.at, address);
    else
        (void)snprintf(buffer, size, "scratch %" PRId64, address);
    c->failed = c->failed || !text_ok(&name);
    text_free(&name);
    return buffer;
}

static void check_range(struct checker *c, const struct isa_range *r, const char *verb)
{
    if (in_scratch(c, r))
        return;
    if (r->n == 1)
        report(c, PROG_ERROR, "out_of_range", "%s scratch word %" PRId64 ", scratch has %u words", verb,
               r->first, c->m->scratch);
    else
        report(c, PROG_ERROR, "out_of_range",
               "%s scratch words %" PRId64 " to %" PRId64 ", scratch has %u words", verb, r->first,
               r->first + r->n - 1, c->m->scratch);
}

/* At most one finding a slot, and one a word. */
static void check_never_written(struct checker *c, const struct isa_range *r)
{
    char name[120];
    bool said = false;
    for (int64_t a = r->first; in_scratch(c, r) && a < r->first + r->n; a++) {
        if (!c->written[a] && !said)
            report(c, PROG_WARNING, "never_written", "reads %s, which nothing writes",
                   address_name(c, a, name, sizeof name));
        said = said || !c->written[a];
        c->written[a] = true;
    }
}

static void check_conflict(struct checker *c, const struct isa_range *r)
{
    char name[120];
    bool said = false;
    for (int64_t a = r->first; in_scratch(c, r) && a < r->first + r->n; a++) {
        const uint32_t other = c->writer[a];
        c->writer[a] = c->slot + 1;
        if (said || !other || other - 1 < prog_bundle_slots(c->p, c->bundle).begin)
            continue;
        struct text text = {0};
        prog_slot_text(c->p, &c->p->slots.at[other - 1], &text);
        report(c, PROG_WARNING, "write_conflict", "writes %s, as does %s `%.100s` of the same bundle",
               address_name(c, a, name, sizeof name),
               isa_engine_name((enum isa_engine)c->p->slots.at[other - 1].engine), text.at ? text.at : "");
        c->failed = c->failed || !text_ok(&text);
        text_free(&text);
        said = true;
    }
}

static void check_target(struct checker *c, const struct isa_slot *s)
{
    int64_t target;
    if (!reach_target(s, c->bundle, &target))
        return;
    if (target < 0)
        report(c, PROG_ERROR, "out_of_range", "jumps to bundle %" PRId64 ", expected 0 or more", target);
    else if ((uint64_t)target > c->p->bundles.n)
        report(c, PROG_ERROR, "out_of_range",
               "jumps to bundle %" PRId64 " beyond the end, the program has %zu", target, c->p->bundles.n);
}

static bool is_vector_compare(const struct isa_slot *s)
{
    return isa_info((enum isa_op)s->op)->kind == KIND_COMPARE && isa_is_vector((enum isa_op)s->op);
}

static void check_slot(struct checker *c)
{
    const struct isa_slot *s = &c->p->slots.at[c->slot];
    if (s->op == OP_UNKNOWN) {
        report(c, PROG_ERROR, "unknown_op", "engine %s has no such operation", isa_engine_name(c->engine));
        return;
    }
    const struct isa_effects fx = isa_effects(s, c->m->vlen);
    for (unsigned i = 0; i < fx.reads; i++) {
        check_range(c, &fx.read[i], "reads");
        check_never_written(c, &fx.read[i]);
    }
    if (fx.writes) {
        check_range(c, &fx.write, "writes");
        check_conflict(c, &fx.write);
    }
    check_target(c, s);
    if (is_vector_compare(s) && (uint32_t)s->arg[1] != c->m->vlen)
        report(c, PROG_ERROR, "debug_mismatch", "%d keys for %u lanes", s->arg[1], c->m->vlen);
}

static void check_bundle(struct checker *c)
{
    const struct prog_span groups = prog_groups(c->p, c->bundle);
    for (uint32_t g = groups.begin; g < groups.end; g++) {
        const struct prog_span slots = prog_slots(c->p, g);
        const uint32_t count = slots.end - slots.begin;
        c->engine = (enum isa_engine)c->p->groups.at[g].engine;
        c->first_slot = slots.begin;
        if (c->engine != ENGINE_DEBUG && count > c->m->slots[c->engine]) {
            c->slot = slots.begin + c->m->slots[c->engine];
            report(c, PROG_ERROR, "slot_limit", "%u %s slots, at most %u a cycle", count,
                   isa_engine_name(c->engine), c->m->slots[c->engine]);
        }
        for (c->slot = slots.begin; c->slot < slots.end; c->slot++)
            check_slot(c);
    }
}

/* Reports a run of unreached bundles at its first. */
static void check_reached(struct checker *c)
{
    const uint32_t b = c->bundle;
    if (c->reached[b] || (b && !c->reached[b - 1]))
        return;
    uint32_t last = b;
    while (last + 1 < c->p->bundles.n && !c->reached[last + 1])
        last++;
    c->engine = ISA_ENGINES;
    c->slot = c->first_slot = 0;
    if (last == b)
        report(c, PROG_WARNING, "unreachable", "nothing leads to this bundle");
    else
        report(c, PROG_WARNING, "unreachable", "nothing leads to the bundles %u to %u", b, last);
}

static void find_writes(struct checker *c)
{
    for (size_t i = 0; i < c->p->slots.n; i++) {
        const struct isa_effects fx = isa_effects(&c->p->slots.at[i], c->m->vlen);
        if (fx.writes && in_scratch(c, &fx.write))
            memset(c->written + fx.write.first, true, fx.write.n);
    }
}

enum status prog_check(const struct prog *p, const struct isa_machine *m, size_t limit,
                       struct prog_findings *out)
{
    struct checker c = {.p = p, .m = m, .limit = limit, .out = out};
    c.written = calloc(m->scratch, sizeof *c.written);
    c.writer = calloc(m->scratch, sizeof *c.writer);
    c.reached = calloc(p->bundles.n + 1, sizeof *c.reached);
    c.failed = !c.written || !c.writer || !c.reached || !reach_find(p, c.reached);
    if (!c.failed)
        find_writes(&c);
    for (c.bundle = 0; !c.failed && c.bundle < p->bundles.n; c.bundle++) {
        check_reached(&c);
        check_bundle(&c);
    }
    free(c.written);
    free(c.writer);
    free(c.reached);
    return c.failed ? ST_NOMEM : ST_OK;
}

void prog_findings_free(struct prog_findings *f)
{
    vec_free(&f->list);
    arena_free(&f->arena);
}

void prog_finding_text(const struct prog *p, const struct prog_finding *f, struct text *out)
{
    text_addf(out, "%s: %s: bundle %u", f->severity == PROG_ERROR ? "error" : "warning", f->kind, f->bundle);
    if (p->bundles.at[f->bundle].line)
        text_addf(out, " (line %u)", p->bundles.at[f->bundle].line);
    if (f->engine != ISA_ENGINES)
        text_addf(out, ", %s slot %u `%s`", isa_engine_name(f->engine), f->slot, f->slot_text);
    text_addf(out, ": %s", f->text);
}
