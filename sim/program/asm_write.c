/* Programs as assembly: a bundle on one line where it fits, else a line for each
 * engine, broken between slots where that is too long. */
#include <string.h>

#include "sim/program/asm_labels.h"
#include "sim/program/print.h"
#include "sim/program/symbols.h"

/* The width to keep within, and where slots begin in a bundle of several lines. */
enum { COLUMNS = 100, SLOT_COLUMN = 9 };

struct writer {
    const struct prog *p;
    struct print_names names;
    struct text *out;
    struct text line, slot; /* being made */
};

static void write_machine(struct writer *w)
{
    const struct prog *p = w->p;
    const struct isa_machine usual = isa_default_machine(), *m = &p->machine;
    /* An object form without names still has to show that it is one. */
    if ((!p->object_form || p->names.n) && memcmp(m, &usual, sizeof usual) == 0)
        return;
    text_addf(w->out, ".machine vlen=%u scratch=%u cores=%u", m->vlen, m->scratch, m->cores);
    for (unsigned e = 0; e < ISA_ENGINES; e++)
        if (e != ENGINE_DEBUG || m->slots[e])
            text_addf(w->out, " %s=%u", isa_engine_name((enum isa_engine)e), m->slots[e]);
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        if (m->latency[e] != 1)
            text_addf(w->out, " %s_latency=%u", isa_engine_name((enum isa_engine)e), m->latency[e]);
    text_add(w->out, "\n");
}

static void write_names(struct writer *w)
{
    for (size_t i = 0; i < w->p->names.n; i++) {
        const struct prog_name *n = &w->p->names.at[i];
        text_add(w->out, ".name ");
        print_name(w->out, n->name);
        text_addf(w->out, " %u %u\n", n->address, n->length);
    }
}

/* The bundle on one line, into w->line. */
static void write_short(struct writer *w, struct prog_span groups)
{
    const struct prog *p = w->p;
    w->line.n = 0;
    text_add(&w->line, "{");
    for (uint32_t g = groups.begin; g < groups.end; g++) {
        const struct prog_span slots = prog_slots(p, g);
        text_add(&w->line, g > groups.begin ? "; " : " ");
        text_add(&w->line, isa_engine_name((enum isa_engine)p->groups.at[g].engine));
        text_add(&w->line, ":");
        for (uint32_t s = slots.begin; s < slots.end; s++) {
            text_add(&w->line, s > slots.begin ? "; " : " ");
            print_slot(&w->names, &p->slots.at[s], &w->line);
        }
    }
    text_add(&w->line, groups.begin < groups.end ? " }\n" : "}\n");
}

static void write_group(struct writer *w, uint32_t group, const char *indent)
{
    const struct prog_span slots = prog_slots(w->p, group);
    const char *engine = isa_engine_name((enum isa_engine)w->p->groups.at[group].engine);
    text_addf(w->out, "%s%s:", indent, engine);
    if (slots.begin < slots.end)
        text_addf(w->out, "%*s", (int)(SLOT_COLUMN - 3 - strlen(engine)), "");
    size_t column = SLOT_COLUMN;
    for (uint32_t s = slots.begin; s < slots.end; s++) {
        w->slot.n = 0;
        print_slot(&w->names, &w->p->slots.at[s], &w->slot);
        if (!text_ok(&w->slot))
            return;
        /* There may have to be room for "; " before and " }" behind. */
        if (s > slots.begin && column + 2 + w->slot.n + 2 > COLUMNS) {
            text_addf(w->out, "\n%*s", SLOT_COLUMN, "");
            column = SLOT_COLUMN;
        } else if (s > slots.begin) {
            text_add(w->out, "; ");
            column += 2;
        }
        text_add_n(w->out, w->slot.at, w->slot.n);
        column += w->slot.n;
    }
}

static void write_bundle(struct writer *w, uint32_t bundle)
{
    const struct prog_span groups = prog_groups(w->p, bundle);
    write_short(w, groups);
    if (!text_ok(&w->line))
        return;
    if (w->line.n <= COLUMNS + 1) {
        text_add_n(w->out, w->line.at, w->line.n);
        return;
    }
    for (uint32_t g = groups.begin; g < groups.end; g++) {
        write_group(w, g, g > groups.begin ? "  " : "{ ");
        text_add(w->out, g + 1 < groups.end ? "\n" : " }\n");
    }
}

static void write_bundles(struct writer *w, const struct asm_labels *labels)
{
    size_t next = 0;
    for (uint32_t b = 0; b <= w->p->bundles.n; b++) {
        for (; next < labels->list.n && labels->list.at[next].bundle == b; next++) {
            print_name(w->out, labels->list.at[next].name);
            text_add(w->out, ":\n");
        }
        if (b < w->p->bundles.n)
            write_bundle(w, b);
    }
}

void prog_write_asm(const struct prog *p, struct text *out)
{
    struct prog_symbols spare = {0};
    struct asm_labels labels = {0};
    const struct prog_symbols *symbols = symbols_of(p, &spare);
    const bool made = asm_labels_make(&labels, p);
    struct writer w = {.p = p, .names = {p, symbols, labels.of}, .out = out};
    if (made) {
        write_machine(&w);
        write_names(&w);
        write_bundles(&w, &labels);
    }
    if (!made || !text_ok(&w.line) || !text_ok(&w.slot))
        out->failed = true;
    text_free(&w.line);
    text_free(&w.slot);
    asm_labels_free(&labels);
    symbols_free(&spare);
}
