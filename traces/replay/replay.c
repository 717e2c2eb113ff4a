/* Marks are taken while running on beyond the last one. When there are too many every other
 * one goes and the distance doubles, so that they stay spread over the whole run and the
 * memory they take is bounded; going back costs at most about twice that distance. */
#include "traces/replay/replay.h"

#include <stdlib.h>
#include <string.h>

#include "sim/engine/latency.h"

enum {
    MARK_BYTES = 64 << 20, /* for all marks */
    MAX_MARKS = 256,
    LEAST_DISTANCE = 512,
    CHUNK = 1 << 16, /* rounds between two looks at an interrupt */
};

/* Of a trace buffer only the length is kept: its words are the same whenever they are
 * written again, and stay where they are when it gets shorter. */
struct core_mark {
    int64_t pc, loop_from, loop_to;
    enum sim_core_state state;
    size_t trace;
};

struct replay_mark {
    uint64_t at, cycle, double_writes, work;
    uint32_t *words;         /* memory, then each core's scratch */
    struct late late;        /* writes in flight */
    struct core_mark core[]; /* machine.cores */
};

static size_t state_words(const struct sim *s)
{
    return s->mem_words + (size_t)s->config.machine.cores * s->config.machine.scratch;
}

/* What writes in flight take at most, as words. */
static size_t latency_words(const struct isa_machine *m)
{
    size_t writes = 0;
    for (unsigned e = 0; isa_machine_waits(m) && e < ENGINE_DEBUG; e++)
        writes += (size_t)m->slots[e] * m->vlen * m->latency[e];
    return writes * m->cores * (sizeof(struct sim_commit) / sizeof(uint32_t));
}

enum status replay_create(const struct prog *p, const struct sim_config *config, const uint32_t *mem,
                          size_t mem_words, struct replay **out, struct diag *d)
{
    *out = NULL;
    struct replay *r = calloc(1, sizeof *r);
    if (!r)
        return diag_set(d, ST_NOMEM, "out of memory");
    const enum status status = sim_create(p, config, mem, mem_words, &r->sim, d);
    if (status != ST_OK) {
        free(r);
        return status;
    }
    const size_t words = state_words(r->sim) + latency_words(&r->sim->config.machine);
    const size_t most = MARK_BYTES / sizeof(uint32_t) / words;
    r->mem = mem;
    r->most = most < MAX_MARKS ? most : MAX_MARKS;
    r->every = LEAST_DISTANCE + words / 64;
    *out = r;
    return ST_OK;
}

static void free_mark(struct replay_mark *m)
{
    if (m) {
        latency_free(&m->late);
        free(m->words);
    }
    free(m);
}

/* Keeps the first `n` marks. */
static void drop_marks(struct replay *r, size_t n)
{
    while (r->marks.n > n)
        free_mark(r->marks.at[--r->marks.n]);
}

void replay_destroy(struct replay *r)
{
    if (!r)
        return;
    drop_marks(r, 0);
    vec_free(&r->marks);
    vec_free(&r->edits);
    sim_destroy(r->sim);
    free(r);
}

uint64_t replay_at(const struct replay *r)
{
    return r->sim->rounds + (r->sim->fault.kind != FAULT_NONE);
}

bool replay_ended(const struct replay *r)
{
    const struct sim *s = r->sim;
    bool stopped = true;
    for (uint32_t c = 0; c < s->config.machine.cores; c++)
        stopped = stopped && s->cores[c].state == CORE_STOPPED;
    return stopped || s->fault.kind != FAULT_NONE;
}

/* --- marks ---------------------------------------------------------------------- */

static struct replay_mark *take_mark(const struct sim *s)
{
    const uint32_t cores = s->config.machine.cores, scratch = s->config.machine.scratch;
    struct replay_mark *m = calloc(1, sizeof *m + cores * sizeof *m->core);
    if (!m)
        return NULL;
    m->words = malloc(state_words(s) * sizeof *m->words);
    if (!m->words || !latency_copy(&m->late, latency_state_of(s))) {
        free_mark(m);
        return NULL;
    }
    m->at = s->rounds;
    m->cycle = s->cycle;
    m->double_writes = s->double_writes;
    m->work = s->work;
    if (s->mem_words)
        memcpy(m->words, s->mem, s->mem_words * sizeof *s->mem);
    for (uint32_t c = 0; c < cores; c++) {
        const struct sim_core *core = &s->cores[c];
        memcpy(m->words + s->mem_words + (size_t)c * scratch, core->scratch, scratch * sizeof *core->scratch);
        m->core[c] = (struct core_mark){core->pc, core->loop_from, core->loop_to, core->state, core->trace.n};
    }
    return m;
}

/* False when out of memory, the machine as before. */
static bool restore_mark(struct sim *s, const struct replay_mark *m)
{
    const uint32_t scratch = s->config.machine.scratch;
    if (!latency_copy(latency_state_of(s), &m->late))
        return false;
    s->rounds = m->at;
    s->cycle = m->cycle;
    s->double_writes = m->double_writes;
    s->work = m->work;
    s->fault = (struct sim_fault){.kind = FAULT_NONE};
    if (s->mem_words)
        memcpy(s->mem, m->words, s->mem_words * sizeof *s->mem);
    for (uint32_t c = 0; c < s->config.machine.cores; c++) {
        struct sim_core *core = &s->cores[c];
        memcpy(core->scratch, m->words + s->mem_words + (size_t)c * scratch, scratch * sizeof *core->scratch);
        core->pc = m->core[c].pc;
        core->loop_from = m->core[c].loop_from;
        core->loop_to = m->core[c].loop_to;
        core->state = m->core[c].state;
        core->trace.n = m->core[c].trace;
    }
    return true;
}

static uint64_t last_mark(const struct replay *r)
{
    return r->marks.n ? r->marks.at[r->marks.n - 1]->at : 0;
}

/* Without memory for it there is no mark here: going back takes longer. */
static void maybe_mark(struct replay *r)
{
    if (!r->most || r->sim->fault.kind != FAULT_NONE || r->sim->rounds < last_mark(r) + r->every)
        return;
    if (r->marks.n == r->most) {
        size_t kept = 0;
        for (size_t i = 0; i < r->marks.n; i++)
            if (i % 2)
                r->marks.at[kept++] = r->marks.at[i];
            else
                free_mark(r->marks.at[i]);
        r->marks.n = kept;
        r->every *= 2;
        return;
    }
    struct replay_mark *m = vec_reserve(&r->marks, 1) ? take_mark(r->sim) : NULL;
    if (m)
        r->marks.at[r->marks.n++] = m;
}

/* --- moving --------------------------------------------------------------------- */

/* What was set by hand here, then a mark. */
static void arrive(struct replay *r)
{
    const uint64_t at = replay_at(r);
    for (size_t i = 0; i < r->edits.n; i++) {
        const struct replay_edit *e = &r->edits.at[i];
        if (e->at == at)
            *(e->core == UINT32_MAX ? &r->sim->mem[e->address]
                                    : &r->sim->cores[e->core].scratch[e->address]) = e->value;
    }
    maybe_mark(r);
}

/* To the last mark, or the start, that is not after `at`. */
static void restore(struct replay *r, uint64_t at)
{
    size_t i = r->marks.n;
    while (i && r->marks.at[i - 1]->at > at)
        i--;
    if (!i || !restore_mark(r->sim, r->marks.at[i - 1])) {
        sim_reset(r->sim, r->mem);
        arrive(r);
    }
}

/* Runs on towards `to`, as far as the next point where there is something to do. */
static void advance(struct replay *r, uint64_t to)
{
    const uint64_t at = replay_at(r), mark = last_mark(r) + r->every;
    uint64_t stop = to - at < CHUNK ? to : at + CHUNK;
    if (mark > at && mark < stop)
        stop = mark;
    for (size_t i = 0; i < r->edits.n; i++)
        if (r->edits.at[i].at > at && r->edits.at[i].at < stop)
            stop = r->edits.at[i].at;
    (void)sim_step(r->sim, stop - at);
    arrive(r);
}

static bool is_interrupted(struct replay *r)
{
    r->interrupted = r->interrupted || (r->interrupt && r->interrupt(r->user));
    return r->interrupted;
}

static void run_to(struct replay *r, uint64_t to)
{
    while (replay_at(r) < to && !replay_ended(r) && !is_interrupted(r))
        advance(r, to);
}

/* The nearest point to run on from: here, or a mark. */
static void go(struct replay *r, uint64_t at)
{
    const uint64_t now = replay_at(r);
    if (at < now || (at - now > r->every && last_mark(r) > now))
        restore(r, at);
    run_to(r, at);
}

void replay_return(struct replay *r, uint64_t at)
{
    bool (*interrupt)(void *) = r->interrupt;
    const bool interrupted = r->interrupted;
    r->interrupt = NULL;
    r->interrupted = false;
    go(r, at);
    r->interrupt = interrupt;
    r->interrupted = interrupted;
}

void replay_go(struct replay *r, uint64_t at)
{
    r->interrupted = false;
    go(r, at);
}

void replay_go_cycle(struct replay *r, uint64_t cycle)
{
    r->interrupted = false;
    if (r->sim->cycle >= cycle) {
        size_t i = r->marks.n;
        while (i && r->marks.at[i - 1]->cycle >= cycle)
            i--;
        restore(r, i ? r->marks.at[i - 1]->at : 0);
    }
    /* A round takes at most one cycle: as many rounds as cycles are left never go too far. */
    while (r->sim->cycle < cycle && !replay_ended(r) && !is_interrupted(r)) {
        const uint64_t left = cycle - r->sim->cycle;
        run_to(r, replay_at(r) + (left < CHUNK ? left : CHUNK));
    }
}

/* --- looking for something -------------------------------------------------------- */

static bool step(struct replay *r, const struct replay_scan *scan)
{
    sim_observe(r->sim, scan->sink);
    (void)sim_step(r->sim, 1);
    sim_observe(r->sim, NULL);
    arrive(r);
    return scan->found(scan->user, r->sim);
}

static bool forth(struct replay *r, const struct replay_scan *scan, uint64_t limit)
{
    enum { PATIENCE = 4096 };
    while (replay_at(r) < limit && !replay_ended(r)) {
        if (replay_at(r) % PATIENCE == 0 && is_interrupted(r))
            return false;
        if (step(r, scan))
            return true;
    }
    return false;
}

bool replay_forth(struct replay *r, const struct replay_scan *scan, uint64_t limit)
{
    r->interrupted = false;
    return forth(r, scan, limit);
}

/* From mark to mark, the latest first: of what is found after a mark the last counts. */
bool replay_back(struct replay *r, const struct replay_scan *scan, uint64_t before)
{
    const uint64_t start = replay_at(r);
    uint64_t end = before ? before - 1 : 0, last = 0;
    r->interrupted = false;
    while (end > 0 && !last) {
        restore(r, end - 1);
        const uint64_t from = replay_at(r);
        while (forth(r, scan, end))
            last = replay_at(r);
        if (r->interrupted) {
            replay_return(r, start);
            return false;
        }
        end = from;
    }
    replay_return(r, last ? last - 1 : 0);
    return last && step(r, scan);
}

enum status replay_set(struct replay *r, uint32_t core, uint64_t address, uint32_t value, struct diag *d)
{
    const bool mem = core == UINT32_MAX;
    const uint64_t words = mem ? r->sim->mem_words : r->sim->config.machine.scratch, at = replay_at(r);
    if (address >= words)
        return diag_set(d, ST_INPUT, "%s has %llu words", mem ? "memory" : "scratch",
                        (unsigned long long)words);
    const struct replay_edit edit = {at, core, (uint32_t)address, value};
    while (r->edits.n && r->edits.at[r->edits.n - 1].at > at)
        r->edits.n--;
    size_t i = 0;
    while (i < r->edits.n &&
           (r->edits.at[i].at != at || r->edits.at[i].core != core || r->edits.at[i].address != address))
        i++;
    if (i < r->edits.n)
        r->edits.at[i] = edit;
    else if (!vec_push(&r->edits, edit))
        return diag_set(d, ST_NOMEM, "out of memory");
    size_t kept = 0;
    while (kept < r->marks.n && r->marks.at[kept]->at < at)
        kept++;
    drop_marks(r, kept);
    arrive(r);
    return ST_OK;
}
