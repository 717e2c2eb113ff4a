/* Names may overlap and repeat, so the index is flattened: a sweep over the names
 * by address keeps a stack of those that cover the current word (the nearest
 * start on top) and notes each change of the top as a place. */
#include "sim/program/symbols.h"

#include <stdlib.h>
#include <string.h>

struct item {
    const char *spelling;
    uint32_t first, end, name;
};

static int by_spelling(const void *x, const void *y)
{
    const struct item *a = x, *b = y;
    const int order = strcmp(a->spelling, b->spelling);
    return order ? order : (a->name > b->name) - (a->name < b->name);
}

/* Of names that begin together the first in the source comes last: in the sweep it
 * ends on top of the stack. */
static int by_address(const void *x, const void *y)
{
    const struct item *a = x, *b = y;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return (a->name < b->name) - (a->name > b->name);
}

static void list_names(const struct prog *p, struct item *items)
{
    for (uint32_t i = 0; i < p->names.n; i++) {
        const struct prog_name *n = &p->names.at[i];
        items[i] = (struct item){n->name, n->address, n->address + n->length, i};
    }
}

/* The names that read back to themselves; their number. */
static size_t visible(const struct prog *p, struct item *items)
{
    list_names(p, items);
    qsort(items, p->names.n, sizeof *items, by_spelling);
    size_t n = 0;
    const char *last = NULL;
    for (size_t i = 0; i < p->names.n; i++) {
        const bool repeated = last && strcmp(items[i].spelling, last) == 0;
        last = items[i].spelling;
        if (!repeated)
            items[n++] = items[i];
    }
    return n;
}

static bool note(struct prog_symbols *out, uint32_t first, uint32_t name)
{
    if (out->list.n && out->list.at[out->list.n - 1].first == first)
        out->list.n--;
    return vec_push(&out->list, (struct prog_symbol){first, name});
}

struct sweep {
    struct prog_symbols *out;
    const struct item **stack;
    size_t depth;
};

/* Drops the names that end at or before `address`. */
static bool close_until(struct sweep *s, uint32_t address)
{
    while (s->depth && s->stack[s->depth - 1]->end <= address) {
        const uint32_t end = s->stack[--s->depth]->end;
        while (s->depth && s->stack[s->depth - 1]->end <= end)
            s->depth--;
        if (!note(s->out, end, s->depth ? s->stack[s->depth - 1]->name : PROG_NO_NAME))
            return false;
    }
    return true;
}

static bool sweep_names(struct sweep *s, const struct item *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (items[i].first == items[i].end)
            continue;
        if (!close_until(s, items[i].first) || !note(s->out, items[i].first, items[i].name))
            return false;
        s->stack[s->depth++] = &items[i];
    }
    return close_until(s, UINT32_MAX);
}

static bool build(const struct prog *p, struct prog_symbols *out)
{
    out->list.n = 0;
    struct item *items = malloc((p->names.n + 1) * sizeof *items);
    const struct item **stack = malloc((p->names.n + 1) * sizeof *stack);
    bool good = items && stack;
    if (good) {
        const size_t n = visible(p, items);
        qsort(items, n, sizeof *items, by_address);
        struct sweep s = {out, stack, 0};
        good = sweep_names(&s, items, n);
    }
    free(items);
    free(stack);
    if (!good)
        out->list.n = 0;
    out->names = good ? p->names.n : 0;
    return good;
}

bool prog_index_names(struct prog *p)
{
    return build(p, &p->symbols);
}

const struct prog_symbols *symbols_of(const struct prog *p, struct prog_symbols *spare)
{
    if (p->symbols.names == p->names.n)
        return &p->symbols;
    (void)build(p, spare);
    return spare;
}

void symbols_free(struct prog_symbols *spare)
{
    vec_free(&spare->list);
}

const struct prog_name *symbols_find(const struct prog *p, const struct prog_symbols *symbols,
                                     int64_t address)
{
    size_t low = 0, high = symbols->list.n;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (symbols->list.at[middle].first <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low || symbols->list.at[low - 1].name == PROG_NO_NAME)
        return NULL;
    return &p->names.at[symbols->list.at[low - 1].name];
}

bool *symbols_repeated(const struct prog *p)
{
    struct item *items = malloc((p->names.n + 1) * sizeof *items);
    bool *repeated = calloc(p->names.n + 1, sizeof *repeated);
    if (items && repeated) {
        list_names(p, items);
        qsort(items, p->names.n, sizeof *items, by_address);
        for (size_t i = 0; i + 1 < p->names.n; i++)
            repeated[items[i].name] = items[i].first == items[i + 1].first;
    } else {
        free(repeated);
        repeated = NULL;
    }
    free(items);
    return repeated;
}
