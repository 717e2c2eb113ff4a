#include "traces/profile/divergence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) (*oom = true, free(element))
#include <uthash.h>

#include "sim/program/symbols.h"

/* A write; sorted by place and time, the n-th of a place is its n-th. */
struct write {
    uint64_t place;
    uint32_t slot, lane, value;
};

/* Places that have names, numbered. */
struct place_name {
    UT_hash_handle hh;
    uint32_t number;
    char text[];
};

enum { MEMORY_BIT = 62, NUMBER_SHIFT = 24, CORE_SHIFT = 32, NAME_KEY = 240 };

struct side {
    const struct history *h;
    VEC(struct write) writes;
};

struct work {
    struct side side[2];
    enum divergence_by by;
    struct place_name *names;
    bool failed;
};

const char *divergence_by_name(enum divergence_by by)
{
    static const char *const names[DIVERGENCE_KINDS] = {"named values", "named words", "scratch words",
                                                        "memory"};
    return names[by];
}

/* --- places ----------------------------------------------------------------------- */

/* The number of a name, from 1; a new one if `add`, else 0 for a name not there. */
static uint32_t number_of(struct work *w, const char *text, bool add)
{
    bool *oom = &w->failed;
    struct place_name *found = NULL;
    HASH_FIND_STR(w->names, text, found);
    if (found || !add)
        return found ? found->number : 0;
    const size_t size = strlen(text) + 1;
    found = malloc(sizeof *found + size);
    if (!found) {
        w->failed = true;
        return 0;
    }
    memcpy(found->text, text, size);
    found->number = HASH_COUNT(w->names) + 1;
    HASH_ADD_STR(w->names, text, found);
    return w->failed ? 0 : found->number;
}

static const char *name_key(char *key, unsigned core, const char *name)
{
    (void)snprintf(key, NAME_KEY, "%u %s", core, name);
    return key;
}

static bool names_values(const struct prog *p)
{
    for (size_t i = 0; i < p->notes.n; i++)
        if (p->notes.at[i].value)
            return true;
    return false;
}

/* Numbers the names of the first program; whether the second has one of them. */
static bool shares_name(struct work *w, const struct prog *a, const struct prog *b)
{
    char key[NAME_KEY];
    bool shares = false;
    for (size_t i = 0; i < a->names.n; i++)
        (void)number_of(w, name_key(key, 0, a->names.at[i].name), true);
    for (size_t i = 0; i < b->names.n && !shares; i++)
        shares = number_of(w, name_key(key, 0, b->names.at[i].name), false) != 0;
    return shares;
}

static bool same_bundle(const struct prog *a, const struct prog *b, uint32_t bundle)
{
    const struct prog_span x = prog_bundle_slots(a, bundle), y = prog_bundle_slots(b, bundle);
    bool same = x.end - x.begin == y.end - y.begin;
    for (uint32_t i = 0; same && i < x.end - x.begin; i++) {
        const struct isa_slot *s = &a->slots.at[x.begin + i], *t = &b->slots.at[y.begin + i];
        same = s->op == t->op && s->engine == t->engine && memcmp(s->arg, t->arg, sizeof s->arg) == 0 &&
               s->literal == t->literal;
    }
    return same;
}

/* Whether nine bundles of ten are the same, so that scratch words mean the same. */
static bool nearly_same(const struct prog *a, const struct prog *b)
{
    const size_t n = a->bundles.n < b->bundles.n ? a->bundles.n : b->bundles.n;
    const size_t most = a->bundles.n + b->bundles.n - n;
    size_t same = 0;
    for (size_t i = 0; i < n; i++)
        same += same_bundle(a, b, (uint32_t)i);
    return 10 * (most - same) <= most || most - same <= 2;
}

static enum divergence_by choose(struct work *w, const struct prog *a, const struct prog *b)
{
    if (nearly_same(a, b))
        return DIVERGENCE_WORDS;
    if (names_values(a) && names_values(b))
        return DIVERGENCE_VALUES;
    return shares_name(w, a, b) ? DIVERGENCE_NAMES : DIVERGENCE_MEMORY;
}

/* The place of a scratch word that a slot writes; 0: none. */
static uint64_t scratch_place(struct work *w, const struct history *h, uint32_t slot, uint32_t word,
                              uint32_t lane)
{
    char key[NAME_KEY];
    const uint64_t core = h->bundles.at[h->slots.at[slot].bundle].core;
    uint64_t number = 0, offset = 0;
    const bool first = h == w->side[0].h;
    if (w->by == DIVERGENCE_WORDS)
        return core << CORE_SHIFT | (word + 1u);
    if (w->by == DIVERGENCE_NAMES) {
        const struct prog_name *name = symbols_find(h->prog, &h->prog->symbols, word);
        if (!name)
            return 0;
        number = number_of(w, name_key(key, (unsigned)core, name->name), first);
        offset = word - name->address;
    } else if (w->by == DIVERGENCE_VALUES) {
        const struct prog_note *note = hist_note(h, slot);
        if (!note->value)
            return 0;
        (void)snprintf(key, NAME_KEY, "%u %u %u %s %s", (unsigned)core, note->round, note->strand,
                       note->stage == PROG_NO_STAGE ? "" : h->prog->stages.at[note->stage], note->value);
        number = number_of(w, key, first);
        offset = note->word + lane;
    }
    return number ? number << NUMBER_SHIFT | offset : 0;
}

static void name_place(struct work *w, const struct history *h, const struct write *write, char *out,
                       size_t size)
{
    struct text t = {0};
    const struct prog_note *note = hist_note(h, write->slot);
    const struct isa_effects fx = isa_effects(hist_isa(h, write->slot), h->machine.vlen);
    if (write->place >> MEMORY_BIT & 1)
        text_addf(&t, "memory %u", h->slots.at[write->slot].address + write->lane);
    else if (w->by == DIVERGENCE_VALUES)
        text_addf(&t, "%s+%u", note->value, note->word + write->lane);
    else
        prog_address_text(h->prog, fx.write.first + write->lane, &t);
    w->failed = w->failed || !text_ok(&t);
    (void)snprintf(out, size, "%s", t.at ? t.at : "");
    text_free(&t);
}

/* --- writes ----------------------------------------------------------------------- */

static bool list_writes(struct work *w, struct side *s)
{
    const struct history *h = s->h;
    for (uint32_t slot = 0; slot < hist_n(h); slot++) {
        const struct isa_effects fx = isa_effects(hist_isa(h, slot), h->machine.vlen);
        const struct hist_slot *x = &h->slots.at[slot];
        for (uint32_t lane = 0; lane < x->words; lane++) {
            const uint64_t memory = UINT64_C(1) << MEMORY_BIT | (x->address + lane);
            const uint64_t place =
                fx.writes ? scratch_place(w, h, slot, (uint32_t)fx.write.first + lane, lane) : memory;
            const uint32_t value = h->values.at[x->first_value + lane];
            if (w->failed || (place && !vec_push(&s->writes, (struct write){place, slot, lane, value})))
                return false;
        }
    }
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct write *x = a, *y = b;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return x->slot != y->slot ? (x->slot < y->slot ? -1 : 1) : (x->lane > y->lane) - (x->lane < y->lane);
}

static struct divergence_side side_of(const struct write *w)
{
    return w ? (struct divergence_side){true, w->slot, w->value, w->lane}
             : (struct divergence_side){.there = false};
}

/* Keeps the earliest: by the second run's cycle, or by the first's where only that has it. */
static void consider(struct work *w, const struct write *a, const struct write *b, uint32_t nth,
                     uint64_t *earliest, struct divergence *out)
{
    const struct history *h = b ? w->side[1].h : w->side[0].h;
    const struct write *at = b ? b : a;
    const uint64_t when = (uint64_t)hist_cycle(h, at->slot) << CORE_SHIFT | at->slot;
    if (out->found && when >= *earliest)
        return;
    *earliest = when;
    out->found = true;
    out->nth = nth;
    out->a = side_of(a);
    out->b = side_of(b);
    name_place(w, h, at, out->place, sizeof out->place);
}

static void compare(struct work *w, struct divergence *out)
{
    const struct side *a = &w->side[0], *b = &w->side[1];
    uint64_t earliest = 0, place = 0;
    uint32_t nth = 0;
    for (size_t i = 0, k = 0; i < a->writes.n || k < b->writes.n;) {
        const struct write *x = i < a->writes.n ? &a->writes.at[i] : NULL;
        const struct write *y = k < b->writes.n ? &b->writes.at[k] : NULL;
        if (x && y && x->place != y->place)
            *(x->place < y->place ? &y : &x) = NULL;
        nth = place == (x ? x : y)->place ? nth + 1 : 1;
        place = (x ? x : y)->place;
        if (!x || !y || x->value != y->value)
            consider(w, x, y, nth, &earliest, out);
        out->compared += x && y;
        i += x != NULL;
        k += y != NULL;
    }
}

static void free_names(struct work *w)
{
    struct place_name *name = w->names;
    HASH_CLEAR(hh, w->names);
    while (name) {
        struct place_name *next = name->hh.next;
        free(name);
        name = next;
    }
}

enum status divergence_find(const struct history *a, const struct history *b, struct divergence *out,
                            struct diag *d)
{
    struct work w = {.side = {{.h = a}, {.h = b}}, .by = DIVERGENCE_MEMORY};
    w.by = choose(&w, a->prog, b->prog);
    *out = (struct divergence){.by = w.by};
    bool good = list_writes(&w, &w.side[0]) && list_writes(&w, &w.side[1]) && !w.failed;
    if (good) {
        for (unsigned i = 0; i < 2; i++)
            if (w.side[i].writes.n)
                qsort(w.side[i].writes.at, w.side[i].writes.n, sizeof(struct write), by_place);
        compare(&w, out);
        good = !w.failed;
    }
    free_names(&w);
    vec_free(&w.side[0].writes);
    vec_free(&w.side[1].writes);
    return good ? ST_OK : diag_set(d, ST_NOMEM, "out of memory for the comparison");
}

/* Whether what x writes stays where y writes, too. */
static bool is_after(const struct history *h, uint32_t x, uint32_t y)
{
    const uint32_t a = hist_there(h, x), b = hist_there(h, y);
    return a != b ? a > b : x > y;
}

bool part_read_value(const struct history *h, uint32_t slot, uint32_t word, uint32_t *value, uint32_t *from)
{
    *value = 0;
    *from = UINT32_MAX;
    for (uint32_t i = h->slots.at[slot].first_edge; i < h->slots.at[slot + 1].first_edge; i++) {
        const struct hist_edge *e = &h->edges.at[i];
        if (e->kind != HIST_VALUE || (*from != UINT32_MAX && is_after(h, *from, e->from)))
            continue;
        const struct isa_effects fx = isa_effects(hist_isa(h, e->from), h->machine.vlen);
        if (word < fx.write.first || word - fx.write.first >= fx.write.n)
            continue;
        *from = e->from;
        *value = h->values.at[h->slots.at[e->from].first_value + (word - (uint32_t)fx.write.first)];
    }
    return *from != UINT32_MAX;
}
