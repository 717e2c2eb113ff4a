#include "sim/program/program.h"

#include <stdlib.h>
#include <string.h>

struct prog *prog_create(void)
{
    struct prog *p = calloc(1, sizeof *p);
    if (p)
        p->machine = isa_default_machine();
    return p;
}

void prog_destroy(struct prog *p)
{
    if (!p)
        return;
    vec_free(&p->slots);
    vec_free(&p->groups);
    vec_free(&p->bundles);
    vec_free(&p->names);
    vec_free(&p->labels);
    vec_free(&p->notes);
    vec_free(&p->stages);
    vec_free(&p->texts);
    vec_free(&p->symbols.list);
    arena_free(&p->arena);
    free(p);
}

bool prog_add_bundle(struct prog *p, uint32_t line)
{
    return p->bundles.n < PROG_MAX_BUNDLES &&
           vec_push(&p->bundles, (struct prog_bundle){(uint32_t)p->groups.n, line});
}

bool prog_add_group(struct prog *p, enum isa_engine engine)
{
    return p->groups.n < PROG_MAX_SLOTS &&
           vec_push(&p->groups, (struct prog_group){(uint32_t)p->slots.n, (uint8_t)engine});
}

bool prog_add_slot(struct prog *p, struct isa_slot slot)
{
    return p->slots.n < PROG_MAX_SLOTS && vec_push(&p->slots, slot);
}

bool prog_add_name(struct prog *p, const char *name, size_t length, uint32_t address, uint32_t words)
{
    const char *copy = arena_text(&p->arena, name, length);
    return copy && vec_push(&p->names, (struct prog_name){copy, address, words});
}

bool prog_add_label(struct prog *p, const char *name, size_t length, uint32_t bundle)
{
    const char *copy = arena_text(&p->arena, name, length);
    return copy && vec_push(&p->labels, (struct prog_label){copy, bundle});
}

int64_t prog_add_text(struct prog *p, const char *text, size_t length)
{
    const char *copy = arena_text(&p->arena, text, length);
    if (!copy || !vec_push(&p->texts, copy))
        return -1;
    return (int64_t)p->texts.n - 1;
}

bool prog_costs_cycle(const struct prog *p, uint32_t bundle)
{
    const struct prog_span g = prog_groups(p, bundle);
    for (uint32_t i = g.begin; i < g.end; i++)
        if (p->groups.at[i].engine != ENGINE_DEBUG)
            return true;
    return false;
}
