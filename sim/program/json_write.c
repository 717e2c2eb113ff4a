#include "sim/program/print.h"

#include <stdlib.h>

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
    text_addf(out, "}, \"vlen\": %u, \"scratch\": %u, \"cores\": %u},\n", m->vlen, m->scratch, m->cores);
}

struct keyed {
    uint32_t address, name;
};

static int by_address(const void *x, const void *y)
{
    const struct keyed *a = x, *b = y;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return (a->name > b->name) - (a->name < b->name);
}

/* The format keys names by address: of several at one address it can hold only the
 * first. `drop` has a flag for each of the program's names; false: out of memory. */
static bool find_aliases(const struct prog *p, bool *drop)
{
    struct keyed *keyed = malloc((p->names.n + 1) * sizeof *keyed);
    if (!keyed)
        return false;
    for (uint32_t i = 0; i < p->names.n; i++)
        keyed[i] = (struct keyed){p->names.at[i].address, i};
    qsort(keyed, p->names.n, sizeof *keyed, by_address);
    for (size_t i = 1; i < p->names.n; i++)
        drop[keyed[i].name] = keyed[i].address == keyed[i - 1].address;
    free(keyed);
    return true;
}

static void write_names(const struct prog *p, struct text *out)
{
    bool *drop = calloc(p->names.n + 1, sizeof *drop);
    if (!drop || !find_aliases(p, drop)) {
        free(drop);
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
