#include <inttypes.h>
#include <string.h>

#include "tools/debug/debug.h"

enum { LINE = 92 }; /* of slots, before they are only counted */

void debug_value(uint32_t value, bool hex, struct text *out)
{
    text_addf(out, hex ? "0x%" PRIx32 : "%" PRIu32, value);
}

void debug_words(const struct word_range *word_range, const struct sim *sim, bool hex, struct text *out)
{
    const uint32_t first = word_range_word(word_range, sim, 0);
    bool same = word_range->n > 2;
    for (uint32_t i = 1; i < word_range->n && same; i++)
        same = word_range_word(word_range, sim, i) == first;
    if (word_range->n > 1)
        text_add(out, "[");
    for (uint32_t i = 0; i < (same ? 1 : word_range->n); i++) {
        text_add(out, i ? " " : "");
        debug_value(word_range_word(word_range, sim, i), hex, out);
    }
    if (same)
        text_addf(out, " x %u", word_range->n);
    if (word_range->n > 1)
        text_add(out, "]");
}

void debug_label(const struct prog *p, int64_t bundle, struct text *out)
{
    const struct prog_label *best = NULL;
    for (size_t i = 0; i < p->labels.n; i++)
        if (p->labels.at[i].bundle <= bundle && (!best || p->labels.at[i].bundle > best->bundle))
            best = &p->labels.at[i];
    if (best)
        text_add_shown(out, best->name, 0, TEXT_WHOLE);
    if (best && best->bundle < bundle)
        text_addf(out, "+%" PRId64, bundle - best->bundle);
}

static void count_slots_of(const struct prog *p, uint32_t bundle, struct text *out)
{
    uint32_t n[ISA_ENGINES] = {0};
    const char *comma = "";
    const struct prog_span span = prog_bundle_slots(p, bundle);
    for (uint32_t i = span.begin; i < span.end; i++)
        n[p->slots.at[i].engine]++;
    for (unsigned e = 0; e < ISA_ENGINES; e++)
        if (n[e]) {
            text_addf(out, "%s%u %s", comma, n[e], isa_engine_name((enum isa_engine)e));
            comma = ", ";
        }
}

void debug_slots(const struct prog *p, uint32_t bundle, struct text *out)
{
    struct text t = {0};
    const struct prog_span groups = prog_groups(p, bundle);
    text_add(&t, "{");
    for (uint32_t g = groups.begin; g < groups.end && t.n <= LINE; g++) {
        const struct prog_span slots = prog_slots(p, g);
        text_addf(&t, "%s %s:", g > groups.begin ? ";" : "",
                  isa_engine_name((enum isa_engine)p->groups.at[g].engine));
        for (uint32_t i = slots.begin; i < slots.end && t.n <= LINE; i++) {
            text_add(&t, i > slots.begin ? "; " : " ");
            prog_slot_text(p, &p->slots.at[i], &t);
        }
    }
    text_add(&t, groups.end > groups.begin ? " }" : "}");
    if (t.n <= LINE && t.at)
        text_add(out, t.at);
    else
        count_slots_of(p, bundle, out);
    text_free(&t);
}

void debug_where(const struct sim *sim, uint32_t core, struct text *out)
{
    static const char *const states[] = {
        [CORE_RUNNING] = "", [CORE_PAUSED] = " (paused)", [CORE_STOPPED] = " (stopped)"};
    const struct sim_core *c = &sim->cores[core];
    const struct prog *p = sim->prog;
    text_addf(out, "cycle %-6" PRIu64 " ", sim->cycle);
    if (sim->config.machine.cores > 1)
        text_addf(out, "core %u ", core);
    if (c->state == CORE_STOPPED || c->pc < 0 || (uint64_t)c->pc >= p->bundles.n) {
        text_addf(out, "%s", c->state == CORE_STOPPED ? "stopped" : "beyond the last bundle");
        return;
    }
    struct text label = {0};
    debug_label(p, c->pc, &label);
    text_addf(out, "bundle %-5" PRId64 " %s%s", c->pc, label.at ? label.at : "", label.n ? "  " : "");
    text_free(&label);
    debug_slots(p, (uint32_t)c->pc, out);
    text_add(out, states[c->state]);
}

/* --- a bundle ------------------------------------------------------------------- */

/* What the next round writes in one core's bundle; a fault leaves nothing. */
struct writes {
    uint32_t core;
    VEC(struct sim_write) scratch, mem;
};

static void keep_writes(void *user, const struct sim_bundle *b)
{
    struct writes *w = user;
    if (b->core != w->core)
        return;
    for (size_t i = 0; i < b->n_scratch; i++)
        (void)vec_push(&w->scratch, b->scratch[i]);
    for (size_t i = 0; i < b->n_mem; i++)
        (void)vec_push(&w->mem, b->mem[i]);
}

static bool at_once(void *user, const struct sim *s)
{
    (void)user;
    (void)s;
    return true;
}

static void add_words(const struct sim *sim, uint32_t core, struct isa_range range, bool hex,
                      struct text *out)
{
    const struct word_range word_range = {core, (uint32_t)range.first, range.n};
    prog_address_text(sim->prog, range.first, out);
    text_add(out, "=");
    if (range.first < 0 || range.first + range.n > sim->config.machine.scratch)
        text_add(out, "?");
    else
        debug_words(&word_range, sim, hex, out);
}

void debug_reads(const struct sim *sim, uint32_t core, const struct isa_slot *s, bool hex, struct text *out)
{
    const struct isa_effects fx = isa_effects(s, sim->config.machine.vlen);
    for (unsigned i = 0; i < fx.reads; i++) {
        bool again = false;
        for (unsigned k = 0; k < i; k++)
            again = again || (fx.read[k].first == fx.read[i].first && fx.read[k].n == fx.read[i].n);
        if (again)
            continue;
        text_add(out, out->n && out->at[out->n - 1] != ' ' ? "  " : "");
        add_words(sim, core, fx.read[i], hex, out);
    }
}

/* The words among `writes` that the slot writes: "3", "[1 2 3]"; nothing if there are none. */
static void add_values(const struct sim_write *writes, size_t n, uint32_t slot, bool hex, struct text *out)
{
    size_t first = 0, end;
    while (first < n && writes[first].slot != slot)
        first++;
    for (end = first; end < n && writes[end].slot == slot; end++) {
        text_add(out, end > first ? " " : end + 1 < n && writes[end + 1].slot == slot ? "[" : "");
        debug_value(writes[end].value, hex, out);
    }
    text_add(out, end > first + 1 ? "]" : "");
}

/* What the slot writes: "  -> 3", "  -> m[16] [1 2 3]". */
static void add_writes(const struct writes *w, uint32_t slot, bool hex, struct text *out)
{
    struct text t = {0};
    add_values(w->scratch.at, w->scratch.n, slot, hex, &t);
    for (size_t i = 0; i < w->mem.n && !t.n; i++)
        if (w->mem.at[i].slot == slot)
            text_addf(&t, "m[%" PRId64 "] ", w->mem.at[i].address);
    add_values(w->mem.at, w->mem.n, slot, hex, &t);
    if (t.n)
        text_addf(out, "  -> %s", t.at);
    text_free(&t);
}

void debug_note(const struct prog *p, uint32_t slot, struct text *out)
{
    const struct prog_note *n = p->notes.n ? &p->notes.at[slot] : NULL;
    if (!n || (n->stage == PROG_NO_STAGE && !n->value))
        return;
    text_add(out, " (");
    if (n->value)
        text_addf(out, "%s%s", n->value, n->stage != PROG_NO_STAGE ? ": " : "");
    if (n->stage != PROG_NO_STAGE)
        text_addf(out, "%s, round %u", p->stages.at[n->stage], n->round);
    if (n->strand != PROG_ALL_STRANDS)
        text_addf(out, ", strand %u", n->strand);
    text_add(out, ")");
}

/* The longest text of the bundle's slots, within reason. */
static int widest(const struct prog *p, uint32_t bundle)
{
    enum { MOST = 36 };
    const struct prog_span span = prog_bundle_slots(p, bundle);
    size_t most = 0;
    for (uint32_t i = span.begin; i < span.end; i++) {
        struct text t = {0};
        prog_slot_text(p, &p->slots.at[i], &t);
        most = t.n > most ? t.n : most;
        text_free(&t);
    }
    return most < MOST ? (int)most : MOST;
}

void debug_bundle(struct replay *r, uint32_t core, bool hex, struct text *out)
{
    const struct sim *sim = r->sim;
    const struct prog *p = sim->prog;
    const int64_t pc = sim->cores[core].pc;
    debug_where(sim, core, out);
    text_add(out, "\n");
    if (sim->cores[core].state == CORE_STOPPED || pc < 0 || (uint64_t)pc >= p->bundles.n)
        return;
    struct writes w = {.core = core};
    const struct sim_sink sink = {.bundle = keep_writes, .user = &w};
    const struct replay_scan scan = {&sink, at_once, NULL};
    const uint64_t now = replay_at(r);
    if (!replay_ended(r))
        (void)replay_forth(r, &scan, now + 1);
    replay_return(r, now);
    const int width = widest(p, (uint32_t)pc);
    const struct prog_span groups = prog_groups(p, (uint32_t)pc);
    for (uint32_t g = groups.begin; g < groups.end; g++) {
        const struct prog_span slots = prog_slots(p, g);
        for (uint32_t i = slots.begin; i < slots.end; i++) {
            struct text t = {0};
            prog_slot_text(p, &p->slots.at[i], &t);
            text_addf(out, "  %-5s %2u  %-*s  ", isa_engine_name((enum isa_engine)p->groups.at[g].engine),
                      i - slots.begin, width, t.at ? t.at : "");
            text_free(&t);
            debug_reads(sim, core, &p->slots.at[i], hex, out);
            add_writes(&w, i, hex, out);
            debug_note(p, i, out);
            while (out->n && out->at[out->n - 1] == ' ')
                out->at[--out->n] = '\0';
            text_add(out, "\n");
        }
    }
    vec_free(&w.scratch);
    vec_free(&w.mem);
}

/* --- slots and stops ------------------------------------------------------------ */

void debug_provenance(const struct sim *sim, const struct provenance *o, struct text *out)
{
    const struct prog *p = sim->prog;
    text_addf(out, "cycle %-6" PRIu64 " ", o->cycle);
    if (sim->config.machine.cores > 1)
        text_addf(out, "core %u ", o->core);
    text_addf(out, "bundle %-5u %-5s ", o->bundle,
              isa_engine_name((enum isa_engine)p->slots.at[o->slot].engine));
    prog_slot_text(p, &p->slots.at[o->slot], out);
    debug_note(p, o->slot, out);
}

void debug_hit(const struct prog *p, const struct breakpoint_hit *hit, struct text *out)
{
    text_addf(out, "stop %u: ", hit->id);
    if (hit->problem.text[0]) {
        text_addf(out, "its condition has no value: %s", hit->problem.text);
        return;
    }
    switch (hit->kind) {
    case BREAK_BUNDLE: text_addf(out, "bundle %u", hit->bundle); return;
    case BREAK_CONDITION: text_add(out, "the condition holds"); return;
    default: break;
    }
    struct text slot = {0};
    prog_slot_text(p, &p->slots.at[hit->slot], &slot);
    const bool mem = p->slots.at[hit->slot].engine == ENGINE_STORE;
    if (mem)
        text_addf(out, "m[%u]", hit->address);
    else
        prog_address_text(p, hit->address, out);
    text_addf(out, " was %u, is %u: bundle %u `%s`", hit->old, hit->value, hit->bundle,
              slot.at ? slot.at : "");
    text_free(&slot);
}
