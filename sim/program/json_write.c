#include <stdlib.h>

#include "sim/program/print.h"
#include "sim/program/symbols.h"

static void write_machine(const struct isa_machine *m, struct text *out)
{
    text_add(out, "{\"machine\": {\"slots\": {");
    bool first = true;
    for (unsigned e = 0; e < ISA_ENGINES; e++) {
        if (e == ENGINE_DEBUG && !m->slots[e])
            continue; /* not limited, and nothing was said about it */
        text_addf(out, "%s\"%s\": %u", first ? "" : ", ", isa_engine_name((enum isa_engine)e), m->slots[e]);
        first = false;
    }
    if (isa_machine_waits(m)) {
        text_add(out, "}, \"latency\": {");
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            text_addf(out, "%s\"%s\": %u", e ? ", " : "", isa_engine_name((enum isa_engine)e), m->latency[e]);
    }
    text_addf(out, "}, \"vlen\": %u, \"scratch\": %u, \"cores\": %u},\n", m->vlen, m->scratch, m->cores);
}

static void write_names(const struct prog *p, struct text *out)
{
    /* The format keys names by address: of several at one it can hold only the first. */
    bool *drop = symbols_repeated(p);
    if (!drop) {
        out->failed = true;
        return;
    }
    text_add(out, "\"scratch_map\": {");
    bool first = true;
    for (size_t i = 0; i < p->names.n; i++) {
        const struct prog_name *n = &p->names.at[i];
        if (drop[i])
            continue;
        text_addf(out, "%s\"%u\": [", first ? "" : ", ", n->address);
        print_string(out, n->name);
        text_addf(out, ", %u]", n->length);
        first = false;
    }
    text_add(out, "},\n");
    free(drop);
}

static void write_bundle(const struct prog *p, uint32_t bundle, struct text *out)
{
    const struct prog_span groups = prog_groups(p, bundle);
    text_add_n(out, "{", 1);
    for (uint32_t g = groups.begin; g < groups.end; g++) {
        const struct prog_span slots = prog_slots(p, g);
        text_add(out, g > groups.begin ? ", \"" : "\"");
        text_add(out, isa_engine_name((enum isa_engine)p->groups.at[g].engine));
        text_add(out, "\": [");
        for (uint32_t s = slots.begin; s < slots.end; s++) {
            if (s > slots.begin)
                text_add_n(out, ",", 1);
            prog_slot_json(p, &p->slots.at[s], out);
        }
        text_add_n(out, "]", 1);
    }
    text_add_n(out, "}", 1);
}

void prog_write_json(const struct prog *p, struct text *out)
{
    if (p->object_form) {
        write_machine(&p->machine, out);
        write_names(p, out);
        text_add(out, "\"program\": ");
    }
    text_add(out, "[\n");
    for (uint32_t b = 0; b < p->bundles.n; b++) {
        write_bundle(p, b, out);
        text_add(out, b + 1 < p->bundles.n ? ",\n" : "\n");
    }
    text_add(out, p->object_form ? "]}\n" : "]\n");
}
