/* For every word who wrote it last and who has read it since. A slot gets one
 * edge for each other slot and kind, found with one mark a slot; the readers of a word
 * are handed over to its next writer, so edges are no more than words read and written.
 * Writes count from when they commit: at the end of their bundle, or, on a machine with
 * latencies, when the machine says so; then a slot's edges are not found one after the
 * other, and are sorted at the end. */
#include "traces/record/history.h"

#include <stdlib.h>

#include "sim/observe.h"

#define NOBODY UINT32_MAX

/* A reader of a word, in a list. */
struct reader {
    uint32_t slot, next;
};

/* The state of the words of scratch (of all cores) or of memory. */
struct words {
    uint32_t *writer;     /* by word; NOBODY: none since the start */
    uint32_t *readers;    /* by word: the newest, an index into `pool`; NOBODY: none since the last write */
    enum hist_kind value; /* HIST_VALUE or HIST_MEM_VALUE */
};

/* The edges that the slot of this mark has already got from a slot. */
struct mark {
    uint32_t to;
    uint8_t kinds;
    uint32_t pauses; /* of its core, before it */
};

/* An edge of a bundle at work. */
struct pending {
    uint32_t to;
    struct hist_edge edge;
};

struct recorder {
    struct history *h;
    struct hist_window window;
    struct words scratch, mem;
    VEC(struct reader) pool;
    uint32_t free_readers; /* a list in the pool */
    VEC(struct mark) marks;
    VEC(struct pending) pending;        /* with latencies of all the run, else of a bundle */
    uint32_t decided_by[ISA_MAX_CORES]; /* the last jump, halt or pause */
    bool waits;                         /* the machine has latencies: */
    VEC(uint32_t) issued;               /* the slots of writes, by number from first_number on */
    uint64_t first_number;
    uint32_t pauses[ISA_MAX_CORES];
    bool paused[ISA_MAX_CORES]; /* in its last bundle */
    bool no_memory, full;
};

static uint32_t *table(size_t n)
{
    uint32_t *t = malloc((n + 1) * sizeof *t);
    for (size_t i = 0; t && i < n; i++)
        t[i] = NOBODY;
    return t;
}

static bool words_create(struct words *w, size_t n, enum hist_kind value)
{
    *w = (struct words){table(n), table(n), value};
    return w->writer && w->readers;
}

static void words_free(struct words *w)
{
    free(w->writer);
    free(w->readers);
}

/* --- edges ---------------------------------------------------------------------- */

/* What hist_edge.delay says; see there. */
static int8_t delay_of(const struct recorder *r, uint32_t to, uint32_t from, enum hist_kind kind)
{
    const struct history *h = r->h;
    const struct hist_slot *x = &h->slots.at[from], *y = &h->slots.at[to];
    const struct hist_bundle *a = &h->bundles.at[x->bundle], *b = &h->bundles.at[y->bundle];
    const bool apart = a->core != b->core, used = kind == HIST_USED || kind == HIST_MEM_USED;
    const int order = apart ? a->core > b->core : x->bundle != y->bundle && !used;
    if (!r->waits || kind == HIST_JUMP)
        return (int8_t)order;
    const int before = (int)h->machine.latency[x->engine], after = (int)h->machine.latency[y->engine];
    const bool drained = r->pauses[a->core] != r->marks.at[from].pauses;
    int delay = order;
    if (used)
        delay = order + 1 - after;
    else if (kind == HIST_VALUE || kind == HIST_MEM_VALUE)
        delay = order + (drained ? 0 : before - 1);
    else if (!drained && before != after)
        delay = before - after + (before < after);
    const int64_t apart_by = (int64_t)b->cycle - a->cycle;
    return (int8_t)(delay < apart_by ? delay : apart_by);
}

static void add_edge(struct recorder *r, uint32_t to, uint32_t from, size_t word, enum hist_kind kind)
{
    if (from == NOBODY || from == to)
        return;
    struct mark *m = &r->marks.at[from];
    if (m->to != to)
        *m = (struct mark){to, 0, m->pauses};
    if (m->kinds >> kind & 1)
        return;
    m->kinds = (uint8_t)(m->kinds | 1u << kind);
    const struct hist_edge edge = {from, (uint32_t)word, (uint8_t)kind, delay_of(r, to, from, kind)};
    if (!vec_push(&r->pending, (struct pending){to, edge}))
        r->no_memory = true;
}

static void add_reader(struct recorder *r, uint32_t slot, uint32_t *list)
{
    const struct reader reader = {slot, *list};
    uint32_t at = r->free_readers;
    if (reader.next != NOBODY && r->pool.at[reader.next].slot == slot)
        return;
    if (at != NOBODY) {
        r->free_readers = r->pool.at[at].next;
        r->pool.at[at] = reader;
    } else if (vec_push(&r->pool, reader)) {
        at = (uint32_t)r->pool.n - 1;
    } else {
        r->no_memory = true;
        return;
    }
    *list = at;
}

/* `base`: where the core's words begin. */
static void read_words(struct recorder *r, uint32_t slot, const struct words *w, size_t base, size_t first,
                       uint32_t n)
{
    for (size_t i = first; i < first + n; i++) {
        add_edge(r, slot, w->writer[base + i], i, w->value);
        add_reader(r, slot, &w->readers[base + i]);
    }
}

/* The slot's write commits; NOBODY: of one that was not recorded. */
static void write_words(struct recorder *r, uint32_t slot, const struct words *w, size_t base, size_t first,
                        uint32_t n)
{
    const enum hist_kind used = w->value + (HIST_USED - HIST_VALUE);
    const enum hist_kind written = w->value + (HIST_WRITTEN - HIST_VALUE);
    for (size_t i = first; i < first + n; i++) {
        uint32_t *list = &w->readers[base + i];
        while (*list != NOBODY) {
            struct reader *reader = &r->pool.at[*list];
            const uint32_t next = reader->next;
            if (slot != NOBODY)
                add_edge(r, slot, reader->slot, i, used);
            reader->next = r->free_readers;
            r->free_readers = *list;
            *list = next;
        }
        if (slot != NOBODY)
            add_edge(r, slot, w->writer[base + i], i, written);
        w->writer[base + i] = slot;
    }
}

/* --- slots ---------------------------------------------------------------------- */

static void record_reads(struct recorder *r, const struct sim_bundle *b, uint32_t slot)
{
    struct hist_slot *h = &r->h->slots.at[slot];
    const struct isa_slot *s = &r->h->prog->slots.at[h->slot];
    const enum isa_op op = (enum isa_op)s->op;
    const struct isa_effects fx = isa_effects(s, r->h->machine.vlen);
    const size_t base = (size_t)b->core * r->h->machine.scratch;
    add_edge(r, slot, r->decided_by[b->core], 0, HIST_JUMP);
    for (unsigned i = 0; i < fx.reads; i++)
        read_words(r, slot, &r->scratch, base, (size_t)fx.read[i].first, fx.read[i].n);
    h->words = (uint8_t)(isa_is_store(op) ? fx.read[1].n : fx.writes ? fx.write.n : 0);
    if (isa_is_access(op))
        h->address = b->sim->cores[b->core].scratch[fx.read[0].first];
    if (isa_is_load(op))
        read_words(r, slot, &r->mem, 0, h->address, h->words);
}

/* The slot's writes lead those at *scratch or *mem. They commit now where there are no latencies. */
static void record_writes(struct recorder *r, const struct sim_bundle *b, uint32_t slot,
                          const struct sim_write **scratch, const struct sim_write **mem)
{
    struct hist_slot *h = &r->h->slots.at[slot];
    const bool store = isa_is_store((enum isa_op)r->h->prog->slots.at[h->slot].op);
    const struct sim_write **at = store ? mem : scratch;
    h->first_value = (uint32_t)r->h->values.n;
    if (h->words && !vec_reserve(&r->h->values, h->words)) {
        r->no_memory = true;
    } else if (h->words) {
        for (unsigned i = 0; i < h->words; i++)
            r->h->values.at[r->h->values.n++] = (*at)[i].value;
        const size_t base = store ? 0 : (size_t)b->core * r->h->machine.scratch;
        if (!r->waits)
            write_words(r, slot, store ? &r->mem : &r->scratch, base, (size_t)(*at)->address, h->words);
        *at += h->words;
    }
    if (hist_decides(r->h, slot))
        r->decided_by[b->core] = slot;
}

/* --- bundles -------------------------------------------------------------------- */

static bool push_slots(struct recorder *r, uint32_t bundle)
{
    struct history *h = r->h;
    const struct prog_span span = prog_bundle_slots(h->prog, bundle);
    r->full = r->full || h->slots.n + (span.end - span.begin) > HIST_MAX_SLOTS;
    if (r->full)
        return false;
    for (uint32_t i = span.begin; i < span.end; i++) {
        const struct hist_slot slot = {
            .slot = i, .bundle = (uint32_t)h->bundles.n - 1, .engine = h->prog->slots.at[i].engine};
        const struct mark mark = {NOBODY, 0, r->pauses[h->bundles.at[slot.bundle].core]};
        if (slot.engine != ENGINE_DEBUG && (!vec_push(&h->slots, slot) || !vec_push(&r->marks, mark)))
            return false;
    }
    return true;
}

/* Edges were found in the order of slots, first those of all reads, then, from `writes` on,
 * those of all writes: puts each slot's together. */
static bool merge_edges(struct recorder *r, uint32_t first_slot, size_t writes)
{
    struct history *h = r->h;
    size_t at[2] = {0, writes};
    const size_t end[2] = {writes, r->pending.n};
    if (!vec_reserve(&h->edges, r->pending.n))
        return false;
    for (uint32_t slot = first_slot; slot < h->slots.n; slot++) {
        h->slots.at[slot].first_edge = (uint32_t)h->edges.n;
        for (unsigned part = 0; part < 2; part++)
            for (; at[part] < end[part] && r->pending.at[at[part]].to == slot; at[part]++)
                h->edges.at[h->edges.n++] = r->pending.at[at[part]].edge;
    }
    return true;
}

/* Whose write each number is: those to scratch come first. */
static void number_writes(struct recorder *r, uint32_t first)
{
    for (unsigned memory = 0; memory < 2; memory++)
        for (uint32_t slot = first; slot < r->h->slots.n; slot++) {
            const struct hist_slot *x = &r->h->slots.at[slot];
            const bool store = isa_is_store((enum isa_op)r->h->prog->slots.at[x->slot].op);
            for (unsigned i = 0; i < x->words && store == memory; i++)
                r->no_memory = !vec_push(&r->issued, slot) || r->no_memory;
        }
}

static void record_commit(void *user, const struct sim_commit *l)
{
    struct recorder *r = user;
    if (r->full || r->no_memory)
        return;
    const uint64_t number = l->number - r->first_number;
    const uint32_t slot = number < r->issued.n ? r->issued.at[number] : NOBODY;
    const size_t base = l->in_memory ? 0 : (size_t)l->core * r->h->machine.scratch;
    write_words(r, slot, l->in_memory ? &r->mem : &r->scratch, base, l->address, 1);
}

static bool pauses(const struct recorder *r, const struct sim_bundle *b, uint32_t first)
{
    bool pause = false;
    for (uint32_t slot = first; slot < r->h->slots.n; slot++)
        pause = pause || isa_info((enum isa_op)hist_isa(r->h, slot)->op)->kind == KIND_PAUSE;
    return pause && b->sim->config.pause;
}

static void record_bundle(void *user, const struct sim_bundle *b)
{
    struct recorder *r = user;
    struct history *h = r->h;
    const uint64_t cycle = b->sim->cycle;
    if (cycle < r->window.from || cycle >= r->window.to || r->full || r->no_memory)
        return;
    const uint32_t first = (uint32_t)h->slots.n;
    const struct hist_bundle bundle = {.bundle = b->bundle,
                                       .cycle = (uint32_t)(cycle - r->window.from),
                                       .first_slot = first,
                                       .core = (uint16_t)b->core,
                                       .costs = prog_costs_cycle(h->prog, b->bundle)};
    r->full = cycle - r->window.from >= HIST_MAX_CYCLES;
    if (r->full)
        return;
    if (!h->bundles.n)
        r->first_number = b->number;
    r->pauses[b->core] += r->paused[b->core]; /* it waited for its own */
    r->paused[b->core] = false;
    r->no_memory = !vec_push(&h->bundles, bundle) || (!push_slots(r, b->bundle) && !r->full);
    if (r->no_memory || r->full)
        return;
    if (bundle.costs)
        h->cycles = bundle.cycle + 1;
    r->paused[b->core] = pauses(r, b, first);
    if (!r->waits)
        r->pending.n = 0;
    for (uint32_t slot = first; slot < h->slots.n; slot++)
        record_reads(r, b, slot);
    const size_t writes = r->pending.n;
    const struct sim_write *scratch = b->scratch, *mem = b->mem;
    for (uint32_t slot = first; slot < h->slots.n; slot++)
        record_writes(r, b, slot, &scratch, &mem);
    if (r->waits)
        number_writes(r, first);
    else
        r->no_memory = r->no_memory || !merge_edges(r, first, writes);
    r->full = h->edges.n > HIST_MAX_ITEMS || r->pending.n > HIST_MAX_ITEMS || h->values.n > HIST_MAX_ITEMS ||
              h->bundles.n > HIST_MAX_ITEMS || r->pool.n > HIST_MAX_ITEMS;
}

/* --- the run -------------------------------------------------------------------- */

static void run_window(struct recorder *r, struct sim *s)
{
    enum { CHUNK = 4096 };
    const struct sim_sink sink = {.bundle = record_bundle, .user = r, .commit = record_commit};
    enum sim_end end = SIM_MORE;
    sim_observe(s, &sink);
    while ((end == SIM_MORE || end == SIM_PAUSED) && s->cycle < r->window.to && !r->full && !r->no_memory) {
        const uint64_t left = r->window.to - s->cycle;
        end = sim_step(s, left < CHUNK ? left : CHUNK);
    }
    sim_observe(s, NULL);
    r->h->end = end;
    r->h->clipped = end == SIM_MORE || end == SIM_PAUSED;
}

/* The edges of the run, by slot; those of one slot in the order in which they were found. */
static bool sort_edges(struct recorder *r)
{
    struct history *h = r->h;
    if (!vec_reserve(&h->edges, r->pending.n + 1))
        return false;
    for (uint32_t slot = 0; slot < h->slots.n; slot++)
        h->slots.at[slot].first_edge = 0;
    for (size_t i = 0; i < r->pending.n; i++)
        h->slots.at[r->pending.at[i].to].first_edge++;
    uint32_t end = 0;
    for (uint32_t slot = 0; slot < h->slots.n; slot++)
        end = h->slots.at[slot].first_edge += end;
    for (size_t i = r->pending.n; i-- > 0;)
        h->edges.at[--h->slots.at[r->pending.at[i].to].first_edge] = r->pending.at[i].edge;
    h->edges.n = r->pending.n;
    return true;
}

static enum status finish(struct recorder *r, struct diag *d)
{
    struct history *h = r->h;
    if (r->waits && !r->full && !r->no_memory)
        r->no_memory = !sort_edges(r);
    const struct hist_slot last = {.slot = UINT32_MAX,
                                   .bundle = (uint32_t)h->bundles.n,
                                   .first_edge = (uint32_t)h->edges.n,
                                   .first_value = (uint32_t)h->values.n,
                                   .engine = ENGINE_DEBUG};
    if (r->full)
        return diag_set(
            d, ST_LIMIT,
            "too much to record, at most %d slots in %d cycles; ask for a window of cycles (--cycles a:b)",
            HIST_MAX_SLOTS, HIST_MAX_CYCLES);
    if (r->no_memory || !vec_push(&h->slots, last))
        return diag_set(d, ST_NOMEM, "out of memory for recording the run");
    return ST_OK;
}

enum status hist_record(struct sim *s, struct hist_window window, struct history *out, struct diag *d)
{
    *out = (struct history){
        .prog = s->prog, .machine = s->config.machine, .first_cycle = window.from, .end = SIM_MORE};
    struct recorder r = {.h = out,
                         .window = window,
                         .free_readers = NOBODY,
                         .waits = isa_machine_waits(&s->config.machine),
                         .first_number = UINT64_MAX};
    for (unsigned c = 0; c < ISA_MAX_CORES; c++)
        r.decided_by[c] = NOBODY;
    const size_t scratch = (size_t)s->config.machine.scratch * s->config.machine.cores;
    r.no_memory =
        !words_create(&r.scratch, scratch, HIST_VALUE) || !words_create(&r.mem, s->mem_words, HIST_MEM_VALUE);
    run_window(&r, s);
    const enum status status = finish(&r, d);
    words_free(&r.scratch);
    words_free(&r.mem);
    vec_free(&r.pool);
    vec_free(&r.marks);
    vec_free(&r.pending);
    vec_free(&r.issued);
    return status;
}

bool hist_decides(const struct history *h, uint32_t slot)
{
    return isa_is_control((enum isa_op)hist_isa(h, slot)->op);
}

/* The last cycle in which the core has executed other slots than its jumps, up to that of `jump`. */
static uint32_t last_before(const struct history *h, uint32_t jump)
{
    const struct hist_slot *x = &h->slots.at[jump];
    for (uint32_t y = h->bundles.at[x->bundle].first_slot; h->slots.at[y].bundle == x->bundle; y++)
        if (!hist_decides(h, y))
            return hist_cycle(h, jump);
    for (uint32_t b = x->bundle; b-- > 0;)
        if (h->bundles.at[b].core == h->bundles.at[x->bundle].core &&
            h->bundles.at[b].first_slot < h->bundles.at[b + 1].first_slot)
            return h->bundles.at[b].cycle;
    return 0;
}

struct hist_ready hist_ready(const struct history *h, uint32_t slot)
{
    struct hist_ready ready = {0, 0, 0};
    uint32_t written = 0;
    for (uint32_t i = h->slots.at[slot].first_edge; i < h->slots.at[slot + 1].first_edge; i++) {
        const struct hist_edge *e = &h->edges.at[i];
        const uint32_t after = hist_after(h, e);
        uint32_t *of = e->kind == HIST_VALUE || e->kind == HIST_JUMP ? &ready.value
                       : e->kind == HIST_USED                        ? &ready.used
                       : e->kind == HIST_WRITTEN                     ? &written
                                                                     : &ready.order;
        if (after > *of)
            *of = after;
    }
    /* A write that was read comes before its readers. */
    if (written > ready.used && written > ready.order)
        ready.order = written;
    if (hist_decides(h, slot) && last_before(h, slot) > ready.order)
        ready.order = last_before(h, slot);
    return ready;
}

void hist_free(struct history *h)
{
    vec_free(&h->bundles);
    vec_free(&h->slots);
    vec_free(&h->edges);
    vec_free(&h->values);
}

/* --- queues ------------------------------------------------------------------------------ */

bool queues_create(struct queues *q, const struct history *h)
{
    for (unsigned core = 0; core < ISA_MAX_CORES; core++)
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            q->first[core][e] = QUEUE_END;
    q->next = malloc((hist_n(h) + 1u) * sizeof *q->next);
    for (uint32_t x = hist_n(h); q->next && x-- > 0;) {
        uint32_t *first = &q->first[hist_core(h, x)][h->slots.at[x].engine];
        q->next[x] = *first;
        *first = x;
    }
    return q->next != NULL;
}

void queues_free(struct queues *q)
{
    free(q->next);
    q->next = NULL;
}
