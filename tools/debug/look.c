/* Commands that look at values, and one that sets them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/debug/debug.h"

enum { MAX_WORDS = 4096, MAX_READERS = 20, MAX_SHOWN = 1000 };

static bool same_value(const struct prog *p, uint32_t a, uint32_t b)
{
    const struct prog_note *x = &p->notes.at[a], *y = &p->notes.at[b];
    return y->value && strcmp(x->value, y->value) == 0 && x->strand == y->strand;
}

/* Who wrote a value of the kernel, and whether its words have been written by others since. */
static void print_value_origin(const struct call *c, const struct word_range *word_range,
                               const struct provenance *origin)
{
    const struct prog *p = sim_of(c)->prog;
    struct provenance *by = malloc(word_range->n * sizeof *by);
    bool reused = false;
    if (by && provenance_writers(c->s->r, word_range, by))
        for (uint32_t i = 0; i < word_range->n; i++)
            reused = reused || (by[i].slot != UINT32_MAX && !same_value(p, origin->slot, by[i].slot));
    free(by);
    text_add(c->out, "  of ");
    debug_provenance(sim_of(c), origin, c->out);
    text_add(c->out, reused ? "\n  other values have been put there since\n" : "\n");
}

static enum status print_words(struct call *c, const struct word_range *word_range,
                               const struct provenance *origin)
{
    if (word_range->n > MAX_WORDS)
        return diag_set(c->d, ST_INPUT, "%u words, at most %d at once", word_range->n, MAX_WORDS);
    text_add_shown(c->out, c->args, 0, TEXT_WHOLE);
    if (origin->slot == UINT32_MAX) {
        text_add(c->out, " = ");
    } else {
        text_add(c->out, " (");
        word_range_text(word_range, sim_of(c)->prog, c->out);
        text_add(c->out, ") = ");
    }
    debug_words(word_range, sim_of(c), c->hex, c->out);
    text_add(c->out, "\n");
    if (origin->slot != UINT32_MAX)
        print_value_origin(c, word_range, origin);
    return ST_OK;
}

/* An expression, else words. */
enum status do_print(struct call *c)
{
    struct expr *e;
    struct word_range word_range;
    struct provenance origin;
    struct diag other = {0};
    uint64_t value;
    enum status status = expr_parse(c->args, sim_of(c)->prog, &e, c->d);
    if (status != ST_OK)
        return session_words(c->s, c->args, &word_range, &origin, &other) == ST_OK
                   ? print_words(c, &word_range, &origin)
                   : status;
    status = expr_value(e, sim_of(c), c->s->core, &value, c->d);
    expr_free(e);
    if (status == ST_OK) {
        text_add_shown(c->out, c->args, 0, TEXT_WHOLE);
        text_addf(c->out, c->hex ? " = 0x%" PRIx64 "\n" : " = %" PRIu64 "\n", value);
    }
    return status;
}

enum status do_set(struct call *c)
{
    struct word_range word_range;
    struct provenance origin;
    struct expr *e = NULL;
    uint64_t value = 0;
    char *equals = strstr(c->args, " = ");
    if (!equals)
        return diag_set(c->d, ST_INPUT, "expected: set PLACE = VALUE");
    *equals = '\0';
    enum status status = session_words(c->s, c->args, &word_range, &origin, c->d);
    if (status == ST_OK)
        status = expr_parse(equals + 3, sim_of(c)->prog, &e, c->d);
    if (status == ST_OK)
        status = expr_value(e, sim_of(c), c->s->core, &value, c->d);
    expr_free(e);
    if (status == ST_OK && word_range.n > MAX_WORDS)
        status = diag_set(c->d, ST_INPUT, "%u words, at most %d at once", word_range.n, MAX_WORDS);
    for (uint32_t i = 0; status == ST_OK && i < word_range.n; i++)
        status = replay_set(c->s->r, word_range.core, (uint64_t)word_range.first + i, (uint32_t)value, c->d);
    return status;
}

enum status do_bundle(struct call *c)
{
    debug_bundle(c->s->r, c->s->core, c->hex, c->out);
    return ST_OK;
}

static enum status find_words(struct call *c, struct word_range *word_range)
{
    struct provenance origin;
    const enum status status = session_words(c->s, c->args, word_range, &origin, c->d);
    if (status == ST_OK && word_range->n > MAX_WORDS)
        return diag_set(c->d, ST_INPUT, "%u words, at most %d at once", word_range->n, MAX_WORDS);
    return status;
}

static bool same_origin(const struct provenance *a, const struct provenance *b)
{
    return a->slot == b->slot && (a->slot == UINT32_MAX || (a->at == b->at && a->core == b->core));
}

static void print_writers(const struct call *c, const struct word_range *word_range,
                          const struct provenance *by)
{
    for (uint32_t i = 0, end; i < word_range->n; i = end) {
        for (end = i + 1; end < word_range->n && same_origin(&by[i], &by[end]);)
            end++;
        const struct word_range part = {word_range->core, word_range->first + i, end - i};
        struct text t = {0};
        word_range_text(&part, sim_of(c)->prog, &t);
        text_addf(c->out, "%-10s ", t.at ? t.at : "");
        text_free(&t);
        if (by[i].slot == UINT32_MAX)
            text_add(c->out, "as it was at the start");
        else
            debug_provenance(sim_of(c), &by[i], c->out);
        text_add(c->out, "\n");
    }
}

enum status do_writer(struct call *c)
{
    struct word_range word_range;
    enum status status = find_words(c, &word_range);
    if (status != ST_OK)
        return status;
    struct provenance *by = malloc(word_range.n * sizeof *by);
    if (!by)
        return diag_set(c->d, ST_NOMEM, "out of memory");
    if (provenance_writers(c->s->r, &word_range, by))
        print_writers(c, &word_range, by);
    else
        status = diag_set(c->d, ST_INPUT, "given up before all writers were found");
    free(by);
    return status;
}

enum status do_readers(struct call *c)
{
    struct word_range word_range;
    struct provenance by[MAX_READERS];
    enum provenance_end end;
    const enum status status = find_words(c, &word_range);
    if (status != ST_OK)
        return status;
    const size_t n = provenance_readers(c->s->r, &word_range, by, MAX_READERS, &end);
    for (size_t i = 0; i < n; i++) {
        debug_provenance(sim_of(c), &by[i], c->out);
        text_add(c->out, "\n");
    }
    text_add(c->out, n ? "then " : "nobody reads it before ");
    switch (end) {
    case PROVENANCE_WRITTEN: text_add(c->out, "it is written again\n"); break;
    case PROVENANCE_ENDED: text_add(c->out, "the end\n"); break;
    case PROVENANCE_MORE: text_add(c->out, "perhaps more\n"); break;
    case PROVENANCE_FAR: text_add(c->out, "the search was given up\n"); break;
    }
    return ST_OK;
}

enum status do_mem(struct call *c)
{
    struct word_range word_range;
    char text[200];
    enum { LINE = 8 };
    (void)snprintf(text, sizeof text, "$m[%s]", c->args);
    const enum status status = word_range_parse(text, sim_of(c), c->s->core, &word_range, c->d);
    if (status != ST_OK)
        return status;
    if (word_range.n > MAX_WORDS)
        return diag_set(c->d, ST_INPUT, "%u words, at most %d at once", word_range.n, MAX_WORDS);
    for (uint32_t i = 0; i < word_range.n; i += LINE) {
        text_addf(c->out, "%8u ", word_range.first + i);
        for (uint32_t k = i; k < i + LINE && k < word_range.n; k++)
            text_addf(c->out, c->hex ? "   %08" PRIx32 : " %10" PRIu32,
                      word_range_word(&word_range, sim_of(c), k));
        text_add(c->out, "\n");
    }
    return ST_OK;
}

enum status do_names(struct call *c)
{
    const struct prog *p = sim_of(c)->prog;
    unsigned shown = 0;
    for (size_t i = 0; i < p->names.n && shown < MAX_SHOWN; i++) {
        const struct prog_name *n = &p->names.at[i];
        const struct word_range word_range = {c->s->core, n->address, n->length};
        if (!strstr(n->name, c->args))
            continue;
        shown++;
        text_add_shown(c->out, n->name, 16, TEXT_WHOLE);
        text_addf(c->out, " s[%u%s", n->address, n->length > 1 ? "" : "] = ");
        if (n->length > 1)
            text_addf(c->out, ":%u] = ", n->address + n->length);
        if ((uint64_t)n->address + n->length > sim_of(c)->config.machine.scratch)
            text_add(c->out, "beyond the end of scratch");
        else if (n->length <= ISA_MAX_VLEN)
            debug_words(&word_range, sim_of(c), c->hex, c->out);
        else
            text_addf(c->out, "%u words", n->length);
        text_add(c->out, "\n");
    }
    const char *last = NULL;
    for (size_t i = 0; i < p->notes.n && shown < MAX_SHOWN; i++) {
        const char *value = p->notes.at[i].value;
        if (!*c->args || !value || value == last || !strstr(value, c->args))
            continue;
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = p->notes.at[k].value && strcmp(p->notes.at[k].value, value) == 0;
        last = value;
        if (!seen)
            text_addf(c->out, "%-16s a value of the kernel\n", value);
        shown += !seen;
    }
    return ST_OK;
}

enum status do_engines(struct call *c)
{
    const struct sim *sim = sim_of(c);
    const struct prog *p = sim->prog;
    const int64_t pc = sim->cores[c->s->core].pc;
    const bool inside = pc >= 0 && (uint64_t)pc < p->bundles.n;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        struct text t = {0};
        uint32_t used = 0;
        const struct prog_span span = inside ? prog_bundle_slots(p, (uint32_t)pc) : (struct prog_span){0, 0};
        for (uint32_t i = span.begin; i < span.end; i++)
            if (p->slots.at[i].engine == e) {
                text_addf(&t, "%s", used++ ? "; " : "  ");
                prog_slot_text(p, &p->slots.at[i], &t);
            }
        text_addf(c->out, "%-6s %2u of %2u%s\n", isa_engine_name((enum isa_engine)e), used,
                  sim->config.machine.slots[e], t.at ? t.at : "");
        text_free(&t);
    }
    return ST_OK;
}

static void print_stop(const struct call *c, const struct stop *stop)
{
    text_addf(c->out, "stop %u: ", stop->id);
    if (stop->kind == BREAK_BUNDLE) {
        text_addf(c->out, "before bundle %u%s", stop->bundle, stop->condition ? ", with a condition" : "");
    } else {
        text_add(c->out, stop->kind == BREAK_WRITE ? "after a write to " : "after a change of ");
        word_range_text(&stop->word_range, sim_of(c)->prog, c->out);
    }
    text_add(c->out, "\n");
}

enum status do_info(struct call *c)
{
    const struct sim *sim = sim_of(c);
    text_add(c->out, "program ");
    text_add_shown(c->out, c->s->job.operand, 0, TEXT_WHOLE);
    if (c->s->job.programs.list.n > 1)
        text_addf(c->out, ", program %zu of %zu", c->s->program, c->s->job.programs.list.n);
    text_addf(c->out, ": %zu bundles; %zu words of memory\n", sim->prog->bundles.n, sim->mem_words);
    for (uint32_t core = 0; core < sim->config.machine.cores; core++) {
        if (sim->config.machine.cores > 1)
            text_add(c->out, core == c->s->core ? "* " : "  ");
        debug_where(sim, core, c->out);
        if (sim->cores[core].trace.n)
            text_addf(c->out, "; %zu words traced", sim->cores[core].trace.n);
        text_add(c->out, "\n");
    }
    for (size_t i = 0; i < c->s->stops.list.n; i++)
        print_stop(c, &c->s->stops.list.at[i]);
    return ST_OK;
}
