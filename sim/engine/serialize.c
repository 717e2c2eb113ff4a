/* Requires: at most SERIALIZE_SLOTS slots, ranges inside the scratch.
 * Guarantees: executing sequence[0..n) with buffered writes put aside, then copying
 * those in program order, leaves what executing all slots at once would leave.
 *
 * Algorithm: topological sort over "must come before" masks. An edge joins a reader
 * to each other writer of a word it reads, an earlier to a later writer of one word,
 * and memory loads to stores. When everyone left waits for someone else, a writer on
 * a cycle is buffered, which frees it of all edges but those of memory, which alone
 * have no cycle. A buffered write commits late, so a later writer of the same word
 * has to be buffered too. Not minimal: each cycle met costs its cheapest writer. */
#include "sim/engine/serialize.h"

#include <assert.h>

struct graph {
    uint64_t before[SERIALIZE_SLOTS];  /* who has to be placed before this slot */
    uint64_t rewrite[SERIALIZE_SLOTS]; /* earlier slots that write a word this one writes */
    uint64_t memory[SERIALIZE_SLOTS];  /* the part of `before` that buffering cannot lift */
};

static uint64_t bit(unsigned i)
{
    return UINT64_C(1) << i;
}

static unsigned lowest(uint64_t set)
{
    return (unsigned)__builtin_ctzll(set);
}

static void note_write(struct serialize_table *t, struct graph *g, unsigned slot, const struct isa_range *r,
                       uint64_t *twice)
{
    for (uint32_t i = 0; i < r->n; i++) {
        struct serialize_word *w = &t->words[r->first + i];
        if (w->serial == t->serial) {
            g->rewrite[slot] |= w->writers;
            ++*twice;
        } else {
            *w = (struct serialize_word){t->serial, 0};
        }
        w->writers |= bit(slot);
    }
}

static void note_read(struct serialize_table *t, struct graph *g, unsigned slot, const struct isa_range *r)
{
    uint64_t writers = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        const struct serialize_word *w = &t->words[r->first + i];
        writers |= w->serial == t->serial ? w->writers : 0;
    }
    for (uint64_t left = writers & ~bit(slot); left; left &= left - 1)
        g->before[lowest(left)] |= bit(slot);
}

static void build(struct serialize_table *t, const struct serialize_bundle *b, struct graph *g,
                  struct order *out)
{
    t->serial++;
    for (unsigned i = 0; i < b->n; i++) {
        g->before[i] = g->rewrite[i] = g->memory[i] = 0;
        if (b->fx[i].writes)
            note_write(t, g, i, &b->fx[i].write, &out->written_twice);
    }
    for (unsigned i = 0; i < b->n; i++)
        for (unsigned r = 0; r < b->fx[i].reads; r++)
            note_read(t, g, i, &b->fx[i].read[r]);
    for (uint64_t left = b->stores; left; left &= left - 1)
        g->memory[lowest(left)] = b->loads;
    for (unsigned i = 0; i < b->n; i++)
        g->before[i] |= g->rewrite[i] | g->memory[i];
}

/* Everyone in `left` waits for someone in it. Walking back along edges ends in a
 * cycle; its narrowest writer is the one to buffer. */
static unsigned cheapest_on_cycle(const struct serialize_bundle *b, const struct graph *g, uint64_t left)
{
    unsigned at = lowest(left), best = SERIALIZE_SLOTS;
    for (unsigned i = 0; i < b->n; i++)
        at = lowest(g->before[at] & left);
    const unsigned start = at;
    do {
        const struct isa_effects *fx = &b->fx[at];
        if (fx->writes && (best == SERIALIZE_SLOTS || fx->write.n < b->fx[best].write.n))
            best = at;
        at = lowest(g->before[at] & left);
    } while (at != start);
    assert(best != SERIALIZE_SLOTS);
    return best;
}

static void buffer(const struct serialize_bundle *b, struct graph *g, unsigned slot, struct order *out)
{
    out->buffered |= bit(slot);
    g->before[slot] = g->memory[slot];
    for (unsigned later = slot + 1; later < b->n; later++)
        if (g->rewrite[later] & out->buffered & ~bit(later)) {
            out->buffered |= bit(later);
            g->before[later] = g->memory[later];
        }
}

static unsigned pick(const struct serialize_bundle *b, struct graph *g, uint64_t left, uint64_t preferred,
                     struct order *out)
{
    for (uint64_t set = preferred; set; set &= set - 1)
        if (!(g->before[lowest(set)] & left))
            return lowest(set);
    for (;;) {
        for (uint64_t set = left; set; set &= set - 1)
            if (!(g->before[lowest(set)] & left))
                return lowest(set);
        buffer(b, g, cheapest_on_cycle(b, g, left), out);
    }
}

void serialize_find(struct serialize_table *t, const struct serialize_bundle *b, struct order *out)
{
    assert(b->n <= SERIALIZE_SLOTS);
    struct graph g;
    out->buffered = out->written_twice = 0;
    build(t, b, &g, out);
    uint64_t left = b->n == SERIALIZE_SLOTS ? UINT64_MAX : bit(b->n) - 1;
    for (unsigned i = 0; i < b->n; i++) {
        const unsigned slot = pick(b, &g, left, i ? 0 : b->first, out);
        out->sequence[i] = (unsigned char)slot;
        left &= ~bit(slot);
    }
}

bool order_is_written(const struct serialize_table *t, uint32_t word)
{
    return t->words[word].serial == t->serial;
}
