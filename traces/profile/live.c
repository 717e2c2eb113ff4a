#include "traces/profile/live.h"

#include <stdlib.h>

enum { LISTS = ISA_MAX_LATENCY + 1 };

/* Of one word: its value at hand, and its accesses. */
struct word {
    uint32_t from, last; /* cycles; last < from: not read yet */
    uint64_t reads, writes;
};

struct work {
    const struct history *h;
    struct word *at;
    int64_t *change;                        /* of the words in use, by cycle, and one beyond */
    VEC(uint32_t) due[ISA_MAX_LATENCY + 1]; /* slots, by the cycle they are there from */
    uint32_t now;
    bool no_memory;
};

/* The value of the word ends here. */
static void close_value(struct work *w, struct word *word)
{
    if (word->last == UINT32_MAX || word->last < word->from)
        return;
    w->change[word->from]++;
    w->change[word->last + 1]--;
}

static void read_slot(struct work *w, uint32_t slot, uint32_t cycle, struct word *base)
{
    const struct isa_effects fx = isa_effects(hist_isa(w->h, slot), w->h->machine.vlen);
    for (unsigned i = 0; i < fx.reads; i++)
        for (uint32_t k = 0; k < fx.read[i].n; k++) {
            struct word *word = &base[fx.read[i].first + k];
            word->last = cycle;
            word->reads++;
        }
}

static void commit_slot(struct work *w, uint32_t slot, uint32_t cycle)
{
    const struct isa_effects fx = isa_effects(hist_isa(w->h, slot), w->h->machine.vlen);
    struct word *base = w->at + (size_t)hist_core(w->h, slot) * w->h->machine.scratch;
    for (uint32_t k = 0; fx.writes && k < fx.write.n; k++) {
        struct word *word = &base[fx.write.first + k];
        close_value(w, word);
        word->from = cycle;
        word->last = UINT32_MAX;
        word->writes++;
    }
}

/* What is there by this cycle commits. */
static void commit(struct work *w, uint32_t cycle)
{
    for (; w->now <= cycle; w->now++) {
        for (size_t i = 0; i < w->due[w->now % LISTS].n; i++)
            commit_slot(w, w->due[w->now % LISTS].at[i], w->now);
        w->due[w->now % LISTS].n = 0;
    }
}

static void walk(struct work *w, size_t words)
{
    const struct history *h = w->h;
    for (size_t i = 0; i < words; i++)
        w->at[i].last = UINT32_MAX;
    for (size_t b = 0; b < h->bundles.n; b++) {
        const struct hist_bundle *bundle = &h->bundles.at[b];
        const uint32_t end = b + 1 < h->bundles.n ? bundle[1].first_slot : hist_n(h);
        struct word *base = w->at + (size_t)bundle->core * h->machine.scratch;
        commit(w, bundle->cycle);
        for (uint32_t s = bundle->first_slot; s < end; s++)
            read_slot(w, s, bundle->cycle, base);
        for (uint32_t s = bundle->first_slot; s < end; s++)
            w->no_memory = !vec_push(&w->due[hist_there(h, s) % LISTS], s) || w->no_memory;
    }
    commit(w, w->now + LISTS);
    for (size_t i = 0; i < words; i++)
        close_value(w, &w->at[i]);
}

/* Keeps the words with the most accesses. */
static void note_hot(struct live *out, struct live_word word)
{
    unsigned at = out->n_hot;
    while (at > 0 && out->hot[at - 1].reads + out->hot[at - 1].writes < word.reads + word.writes)
        at--;
    if (at == LIVE_HOT)
        return;
    out->n_hot += out->n_hot < LIVE_HOT;
    for (unsigned i = out->n_hot - 1; i > at; i--)
        out->hot[i] = out->hot[i - 1];
    out->hot[at] = word;
}

static void sum_up(const struct work *w, size_t words, struct live *out)
{
    int64_t now = 0;
    double sum = 0;
    for (uint32_t c = 0; c < out->cycles; c++) {
        now += w->change[c];
        out->words[c] = (uint32_t)now;
        sum += (double)now;
        if (out->words[c] > out->peak) {
            out->peak = out->words[c];
            out->peak_cycle = c;
        }
    }
    out->mean = out->cycles ? sum / out->cycles : 0;
    for (size_t i = 0; i < words; i++) {
        const struct word *word = &w->at[i];
        if (!word->reads && !word->writes)
            continue;
        out->touched++;
        const uint32_t scratch = w->h->machine.scratch;
        note_hot(out, (struct live_word){(uint32_t)(i % scratch), (uint16_t)(i / scratch), word->reads,
                                         word->writes});
    }
}

enum status live_find(const struct history *h, struct live *out, struct diag *d)
{
    const size_t words = (size_t)h->machine.scratch * h->machine.cores;
    struct work w = {.h = h,
                     .at = calloc(words + 1, sizeof *w.at),
                     .change = calloc((size_t)h->cycles + 2, sizeof *w.change)};
    *out = (struct live){.words = calloc((size_t)h->cycles + 1, sizeof *out->words), .cycles = h->cycles};
    if (w.at && w.change && out->words)
        walk(&w, words);
    const bool good = w.at && w.change && out->words && !w.no_memory;
    if (good)
        sum_up(&w, words, out);
    free(w.at);
    free(w.change);
    for (unsigned i = 0; i < LISTS; i++)
        vec_free(&w.due[i]);
    return good ? ST_OK : diag_set(d, ST_NOMEM, "out of memory for words in use");
}

void live_free(struct live *l)
{
    free(l->words);
    *l = (struct live){0};
}
