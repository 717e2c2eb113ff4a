#include "sim/program/asm_labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Both orders sort pointers into the program's list, and break ties by its order. */
static int by_name(const void *x, const void *y)
{
    const struct prog_label *a = *(const struct prog_label *const *)x,
                            *b = *(const struct prog_label *const *)y;
    const int order = strcmp(a->name, b->name);
    return order ? order : (a > b) - (a < b);
}

static int by_bundle(const void *x, const void *y)
{
    const struct prog_label *a = *(const struct prog_label *const *)x,
                            *b = *(const struct prog_label *const *)y;
    if (a->bundle != b->bundle)
        return a->bundle < b->bundle ? -1 : 1;
    return (a > b) - (a < b);
}

static int name_against(const void *key, const void *item)
{
    return strcmp(key, (*(const struct prog_label *const *)item)->name);
}

/* Sorts the program's labels by name, drops repeated and misplaced ones; their number. */
static size_t own_labels(const struct prog *p, const struct prog_label **sorted)
{
    size_t all = 0, n = 0;
    for (size_t i = 0; i < p->labels.n; i++)
        if (p->labels.at[i].bundle <= p->bundles.n)
            sorted[all++] = &p->labels.at[i];
    qsort(sorted, all, sizeof *sorted, by_name);
    for (size_t i = 0; i < all; i++)
        if (!n || strcmp(sorted[i]->name, sorted[n - 1]->name) != 0)
            sorted[n++] = sorted[i];
    return n;
}

/* Sets needed[b] for every bundle b, the end included, that some slot jumps to. */
static void find_targets(const struct prog *p, bool *needed)
{
    for (size_t i = 0; i < p->slots.n; i++) {
        const struct isa_slot *s = &p->slots.at[i];
        const struct isa_info *info = isa_info((enum isa_op)s->op);
        for (unsigned a = 0; a < info->args; a++)
            if (info->role[a] == ROLE_TARGET && s->literal >= 0 && (uint64_t)s->literal <= p->bundles.n)
                needed[s->literal] = true;
    }
}

/* A name of the form L7 that is not taken; `*next` is the first number to try. */
static const char *fresh_name(struct asm_labels *l, const struct prog_label *const *sorted, size_t n,
                              unsigned *next)
{
    char name[16];
    do
        (void)snprintf(name, sizeof name, "L%u", (*next)++);
    while (bsearch(name, sorted, n, sizeof *sorted, name_against));
    return arena_text(&l->arena, name, strlen(name));
}

/* Merges the own labels, now sorted by bundle, with fresh ones. */
static bool merge(struct asm_labels *l, const struct prog *p, const struct prog_label *const *by_names,
                  const struct prog_label *const *by_bundles, size_t n, const bool *needed)
{
    unsigned next = 0;
    size_t i = 0;
    for (uint32_t b = 0; b <= p->bundles.n; b++) {
        for (; i < n && by_bundles[i]->bundle == b; i++) {
            if (!vec_push(&l->list, *by_bundles[i]))
                return false;
            if (!l->of[b])
                l->of[b] = by_bundles[i]->name;
        }
        if (!needed[b] || l->of[b])
            continue;
        l->of[b] = fresh_name(l, by_names, n, &next);
        if (!l->of[b] || !vec_push(&l->list, (struct prog_label){l->of[b], b}))
            return false;
    }
    return true;
}

bool asm_labels_make(struct asm_labels *l, const struct prog *p)
{
    const size_t n = p->labels.n + 1;
    l->of = calloc(p->bundles.n + 1, sizeof *l->of);
    bool *needed = calloc(p->bundles.n + 1, sizeof *needed);
    const struct prog_label **by_names = malloc(2 * n * sizeof *by_names);
    bool good = l->of && needed && by_names;
    if (good) {
        find_targets(p, needed);
        const size_t own = own_labels(p, by_names);
        memcpy(by_names + n, by_names, own * sizeof *by_names);
        qsort(by_names + n, own, sizeof *by_names, by_bundle);
        good = merge(l, p, by_names, by_names + n, own, needed);
    }
    free(needed);
    free(by_names);
    return good;
}

void asm_labels_free(struct asm_labels *l)
{
    vec_free(&l->list);
    free(l->of);
    arena_free(&l->arena);
}
