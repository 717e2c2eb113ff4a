#include "traces/replay/provenance.h"

#include <stdlib.h>
#include <string.h>

static struct provenance origin_of(const struct sim_bundle *b, uint32_t slot, uint32_t first)
{
    return (struct provenance){b->sim->rounds, b->sim->cycle, b->core, b->bundle, slot, first};
}

static bool wanted(const struct word_range *p, uint32_t core, int64_t address)
{
    return (p->core == WORD_RANGE_MEM || p->core == core) && address >= p->first &&
           address < (int64_t)p->first + p->n;
}

/* --- writers -------------------------------------------------------------------- */

struct writers {
    const struct word_range *word_range;
    struct provenance *out;
    bool *known;     /* by word */
    uint64_t *round; /* by word: the last of `rounds` in which it was written */
    uint64_t rounds; /* seen */
    bool found;
};

static void note_writer(struct writers *w, struct provenance origin)
{
    const uint32_t word = origin.first - w->word_range->first;
    if (!wanted(w->word_range, origin.core, origin.first) || w->known[word])
        return;
    w->found = true;
    w->round[word] = w->rounds;
    w->out[word] = origin;
}

static void note_writers(void *user, const struct sim_bundle *b)
{
    struct writers *w = user;
    const bool mem = w->word_range->core == WORD_RANGE_MEM;
    const struct sim_write *writes = mem ? b->mem : b->scratch;
    const size_t n = mem ? b->n_mem : b->n_scratch;
    for (size_t i = 0; i < n && !isa_machine_waits(&b->sim->config.machine); i++)
        note_writer(w, origin_of(b, writes[i].slot, (uint32_t)writes[i].address));
}

static void note_committed(void *user, const struct sim_commit *l)
{
    struct writers *w = user;
    if (l->in_memory == (w->word_range->core == WORD_RANGE_MEM))
        note_writer(w, (struct provenance){l->round, l->cycle, l->core, l->bundle, l->slot, l->address});
}

static bool wrote(void *user, const struct sim *s)
{
    (void)s;
    struct writers *w = user;
    const bool found = w->found;
    w->found = false;
    w->rounds++;
    return found;
}

/* Back from write to write, each time of a word that is not known yet; what was noted of earlier
 * rounds on the way does not count. */
bool provenance_writers(struct replay *r, const struct word_range *word_range, struct provenance *out)
{
    const uint64_t now = replay_at(r);
    bool *known = calloc(word_range->n, sizeof *known);
    uint64_t *round = calloc(word_range->n, sizeof *round);
    struct writers w = {word_range, out, known, round, 1, false};
    const struct sim_sink sink = {.bundle = note_writers, .user = &w, .commit = note_committed};
    const struct replay_scan scan = {&sink, wrote, &w};
    uint32_t left = known && round ? word_range->n : 0;
    for (uint64_t before = now + 1; left && replay_back(r, &scan, before); before = replay_at(r))
        for (uint32_t i = 0; i < word_range->n; i++)
            if (!known[i] && round[i] + 1 == w.rounds) {
                known[i] = true;
                left--;
            }
    const bool complete = known && round && !r->interrupted;
    for (uint32_t i = 0; i < word_range->n; i++)
        if (!known || !round || !known[i])
            out[i].slot = UINT32_MAX;
    free(known);
    free(round);
    replay_return(r, now);
    return complete;
}

/* --- readers -------------------------------------------------------------------- */

struct readers {
    const struct word_range *word_range;
    struct provenance *out;
    size_t n, most;
    bool *written; /* by word, since the start */
    uint32_t left; /* words that are not */
};

/* The words in memory that a slot loads; none for others. */
static struct isa_range loads(const struct sim_bundle *b, const struct isa_slot *s,
                              const struct isa_effects *fx)
{
    if (!isa_is_load((enum isa_op)s->op))
        return (struct isa_range){0};
    return (struct isa_range){b->sim->cores[b->core].scratch[fx->read[0].first], fx->write.n};
}

static void note_range(struct readers *r, const struct sim_bundle *b, uint32_t slot, struct isa_range range)
{
    for (int64_t a = range.first; a < range.first + range.n; a++) {
        if (!wanted(r->word_range, b->core, a) || r->written[a - r->word_range->first] || r->n == r->most)
            continue;
        if (!r->n || r->out[r->n - 1].slot != slot || r->out[r->n - 1].at != b->sim->rounds ||
            r->out[r->n - 1].core != b->core)
            r->out[r->n++] = origin_of(b, slot, (uint32_t)a);
    }
}

static void note_written(struct readers *r, uint32_t core, int64_t address)
{
    if (!wanted(r->word_range, core, address))
        return;
    bool *written = &r->written[address - r->word_range->first];
    r->left -= !*written;
    *written = true;
}

static void note_readers(void *user, const struct sim_bundle *b)
{
    struct readers *r = user;
    const bool mem = r->word_range->core == WORD_RANGE_MEM;
    const struct prog *p = b->sim->prog;
    const struct prog_span span = prog_bundle_slots(p, b->bundle);
    for (uint32_t i = span.begin; i < span.end; i++) {
        const struct isa_slot *s = &p->slots.at[i];
        const struct isa_effects fx = isa_effects(s, b->sim->config.machine.vlen);
        if (s->engine == ENGINE_DEBUG)
            continue;
        for (unsigned k = 0; k < fx.reads && !mem; k++)
            note_range(r, b, i, fx.read[k]);
        if (mem)
            note_range(r, b, i, loads(b, s, &fx));
    }
    const struct sim_write *writes = mem ? b->mem : b->scratch;
    const bool waits = isa_machine_waits(&b->sim->config.machine);
    for (size_t i = 0; i < (mem ? b->n_mem : b->n_scratch) && !waits; i++)
        note_written(r, b->core, writes[i].address);
}

static void note_overwritten(void *user, const struct sim_commit *l)
{
    struct readers *r = user;
    if (l->in_memory == (r->word_range->core == WORD_RANGE_MEM))
        note_written(r, l->core, l->address);
}

static bool all_read(void *user, const struct sim *s)
{
    (void)s;
    const struct readers *r = user;
    return r->n == r->most || r->left == 0;
}

size_t provenance_readers(struct replay *r, const struct word_range *word_range, struct provenance *out,
                          size_t most, enum provenance_end *end)
{
    const uint64_t now = replay_at(r);
    struct readers readers = {word_range, out, 0, most, calloc(word_range->n, sizeof(bool)), word_range->n};
    const struct sim_sink sink = {.bundle = note_readers, .user = &readers, .commit = note_overwritten};
    const struct replay_scan scan = {&sink, all_read, &readers};
    if (readers.written)
        (void)replay_forth(r, &scan, now + PROVENANCE_AHEAD);
    free(readers.written);
    *end = readers.n == most   ? PROVENANCE_MORE
           : readers.left == 0 ? PROVENANCE_WRITTEN
           : replay_ended(r)   ? PROVENANCE_ENDED
                               : PROVENANCE_FAR;
    replay_return(r, now);
    return readers.n;
}

/* --- values by the names of notes ------------------------------------------------- */

struct values {
    const char *name;
    size_t length;
    uint32_t strand; /* NO_STRAND: of any */
    uint32_t core;
    struct provenance out;
    bool found;
};

enum { NO_STRAND = UINT16_MAX + 1 };

static bool is_value(const struct values *v, const struct prog *p, uint32_t slot)
{
    const struct prog_note *note = &p->notes.at[slot];
    return note->value && strncmp(note->value, v->name, v->length) == 0 && note->value[v->length] == '\0' &&
           (v->strand == NO_STRAND || v->strand == note->strand);
}

/* "x@3": the x of strand 3. */
static struct values value_named(const char *name, uint32_t core)
{
    const char *at = strrchr(name, '@');
    struct values v = {.name = name, .length = strlen(name), .strand = NO_STRAND, .core = core};
    if (at && at[1] >= '0' && at[1] <= '9' && at[strspn(at + 1, "0123456789") + 1] == '\0' &&
        strlen(at) < 7) {
        v.length = (size_t)(at - name);
        v.strand = (uint32_t)strtoul(at + 1, NULL, 10);
    }
    return v;
}

static void note_values(void *user, const struct sim_bundle *b)
{
    struct values *v = user;
    for (size_t i = 0; i < b->n_scratch && b->core == v->core; i++)
        if (is_value(v, b->sim->prog, b->scratch[i].slot)) {
            v->found = true;
            v->out = origin_of(b, b->scratch[i].slot, (uint32_t)b->scratch[i].address);
            return;
        }
}

static bool value_written(void *user, const struct sim *s)
{
    (void)s;
    struct values *v = user;
    const bool found = v->found;
    v->found = false;
    return found;
}

bool provenance_value(struct replay *r, const char *name, uint32_t core, struct word_range *word_range,
                      struct provenance *out)
{
    const uint64_t now = replay_at(r);
    const struct prog *p = r->sim->prog;
    struct values v = value_named(name, core);
    const struct sim_sink sink = {.bundle = note_values, .user = &v};
    const struct replay_scan scan = {&sink, value_written, &v};
    uint32_t words = 0;
    for (uint32_t i = 0; i < p->notes.n; i++)
        if (is_value(&v, p, i)) {
            const struct isa_effects fx = isa_effects(&p->slots.at[i], r->sim->config.machine.vlen);
            const uint32_t end = p->notes.at[i].word + fx.write.n;
            words = end > words ? end : words;
        }
    const bool found = words && replay_back(r, &scan, now + 1);
    replay_return(r, now);
    if (!found)
        return false;
    *out = v.out;
    const struct isa_effects fx = isa_effects(&p->slots.at[v.out.slot], r->sim->config.machine.vlen);
    const int64_t first = fx.write.first - p->notes.at[v.out.slot].word;
    const uint32_t scratch = r->sim->config.machine.scratch;
    *word_range = (struct word_range){core, (uint32_t)first, words};
    return first >= 0 && first + words <= scratch;
}
