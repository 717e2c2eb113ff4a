/* The batch simulator's driver: tiles of instances in lockstep, then, one after the other,
 * those who have left. Invariant of a tile: every lane is in the state of an instance
 * that is in it; lanes without one of their own, because it has left or there never was
 * one, are copies. So the loop need not know who is there. */
#include "sim/engine/batch.h"

#include <stdlib.h>
#include <string.h>

#include "sim/engine/batch_frame.h"
#include "sim/engine/simulator.h"

enum {
    FEW = 5,           /* instances from which on there is a lockstep */
    MAX_ROWS = 1 << 18 /* words of scratch and memory up to which there are tiles */
};

struct instance {
    struct sim sim; /* its state, between tiles; without engines */
    uint64_t runs;
    bool ended;
};

/* Instances first .. of the batch in lockstep. */
struct tile {
    struct batch_frame frame;
    struct instance *first;
    uint64_t in; /* the lanes whose instance is in it */
};

struct sim_batch {
    struct instance *instances;
    uint32_t n;
    struct sim_core *cores; /* the instances', one after the other; so too scratch and mems */
    uint32_t *scratch, *mems;
    struct sim *alone;          /* where those who have left go on; it holds the effort that is left */
    uint32_t tiled;             /* instances that have been in a tile */
    uint32_t single;            /* the instance whose turn it is alone; */
    bool busy;                  /* it has begun */
    struct tile tile;           /* at work while some lane is in it */
    struct micro_stream stream; /* the rest is of the lockstep; */
    batch_loop *loop;           /* NULL when there is none */
    uint32_t *rows;             /* of the tile at work: scratch, spare words, memory */
};

batch_loop *batch_loop_at(unsigned i)
{
    batch_loop *list[4] = {NULL};
    unsigned n = 0;
#if defined __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        list[n++] = batch_loop_avx512;
    if (__builtin_cpu_supports("avx2"))
        list[n++] = batch_loop_avx2;
#endif
    list[n++] = batch_loop_any;
    return i < n ? list[i] : NULL;
}

void batch_use(struct sim_batch *b, batch_loop *loop)
{
    if (b->loop)
        b->loop = loop;
}

/* --- creation ------------------------------------------------------------------- */

static size_t scratch_rows(const struct sim_batch *b)
{
    return b->alone->config.machine.scratch + SIM_SPARE;
}

static bool create_lockstep(struct sim_batch *b)
{
    const struct sim_config *config = &b->alone->config;
    const size_t rows = scratch_rows(b) + b->alone->mem_words;
    if (b->n < FEW || config->machine.cores > 1 || isa_machine_waits(&config->machine) || rows > MAX_ROWS)
        return true;
    b->loop = batch_loop_at(0);
    b->rows = aligned_alloc(64, rows * BATCH_LANES * sizeof *b->rows);
    return b->rows && predecode(b->alone->prog, config, b->alone->mem_words, MICRO_BATCH, &b->stream);
}

static bool create_instances(struct sim_batch *b)
{
    const struct isa_machine *machine = &b->alone->config.machine;
    b->instances = calloc(b->n + (size_t)1, sizeof *b->instances);
    b->cores = calloc(b->n + (size_t)1, machine->cores * sizeof *b->cores);
    b->scratch = calloc(b->n + (size_t)1, (size_t)machine->cores * machine->scratch * sizeof *b->scratch);
    b->mems = calloc(b->n + (size_t)1, b->alone->mem_words * sizeof *b->mems + 1);
    if (!b->instances || !b->cores || !b->scratch || !b->mems)
        return false;
    for (size_t c = 0; c < (size_t)b->n * machine->cores; c++)
        b->cores[c].scratch = b->scratch + c * machine->scratch;
    for (uint32_t i = 0; i < b->n; i++) {
        struct sim *s = &b->instances[i].sim;
        s->prog = b->alone->prog;
        s->config = b->alone->config;
        s->mem_words = b->alone->mem_words;
        s->mem = b->mems + i * s->mem_words;
        s->cores = b->cores + (size_t)i * machine->cores;
    }
    return true;
}

enum status batch_create(const struct prog *p, const struct sim_config *config, const uint32_t *mems,
                         size_t mem_words, uint32_t instances, struct sim_batch **out, struct diag *d)
{
    *out = NULL;
    const uint64_t words = (uint64_t)config->machine.cores * config->machine.scratch + mem_words;
    if (instances && words > BATCH_MAX_WORDS / instances)
        return diag_set(d, ST_LIMIT, "%u instances of %llu words, at most %d in all", instances,
                        (unsigned long long)words, BATCH_MAX_WORDS);
    struct sim_batch *b = calloc(1, sizeof *b);
    if (!b)
        return diag_set(d, ST_NOMEM, "out of memory");
    struct sim_config plain = *config;
    plain.simulator = SIM_STEP; /* until somebody goes on alone */
    b->n = instances;
    enum status status = sim_create(p, &plain, mems, mem_words, &b->alone, d);
    if (status == ST_OK && !(create_instances(b) && create_lockstep(b)))
        status = diag_set(d, ST_NOMEM, "out of memory for %u instances of %zu words", instances, mem_words);
    if (status != ST_OK) {
        batch_destroy(b);
        return status;
    }
    batch_reset(b, mems);
    *out = b;
    return ST_OK;
}

void batch_destroy(struct sim_batch *b)
{
    if (!b)
        return;
    for (size_t c = 0; b->cores && c < (size_t)b->n * b->alone->config.machine.cores; c++)
        vec_free(&b->cores[c].trace);
    predecode_free(&b->stream);
    free(b->rows);
    free(b->instances);
    free(b->cores);
    free(b->scratch);
    free(b->mems);
    sim_destroy(b->alone);
    free(b);
}

void batch_reset(struct sim_batch *b, const uint32_t *mems)
{
    for (uint32_t i = 0; i < b->n; i++) {
        struct instance *at = &b->instances[i];
        sim_reset(&at->sim, mems + i * at->sim.mem_words);
        at->runs = 1;
        at->ended = false;
    }
    b->tiled = b->single = 0;
    b->busy = false;
    b->tile.in = 0;
}

/* --- what it costs besides running ----------------------------------------------- */

/* A tile's rows are filled, or read off. */
static void spend_rows(struct sim_batch *b)
{
    (void)sim_spend(b->alone, (scratch_rows(b) + b->alone->mem_words) * (BATCH_LANES / 8));
}

/* One instance's words are copied. */
static void spend_words(struct sim_batch *b)
{
    const struct isa_machine *m = &b->alone->config.machine;
    (void)sim_spend(b->alone, ((uint64_t)m->cores * m->scratch + b->alone->mem_words) / 8);
}

/* --- in lockstep ------------------------------------------------------------------ */

static struct instance *lane(const struct tile *t, uint64_t lanes_left)
{
    return t->first + __builtin_ctzll(lanes_left);
}

/* The next instances. */
static void begin(struct sim_batch *b)
{
    const struct sim *s = b->alone;
    struct tile *t = &b->tile;
    const uint32_t left = b->n - b->tiled, n = left < BATCH_LANES ? left : BATCH_LANES;
    t->first = b->instances + b->tiled;
    b->tiled += n;
    spend_rows(b);
    const uint32_t *from[BATCH_LANES];
    for (unsigned i = 0; i < BATCH_LANES; i++)
        from[i] = t->first[i < n ? i : 0].sim.mem;
    uint32_t *const mem = b->rows + scratch_rows(b) * BATCH_LANES;
    memset(b->rows, 0, scratch_rows(b) * BATCH_LANES * sizeof *b->rows);
    tile_in(mem, from, s->mem_words);
    t->in = BATCH_ALL >> (BATCH_LANES - n);
    t->frame.runs = 1;
    t->frame.one = (struct fast_frame){
        .code = b->stream.code.at,
        .marks = b->stream.marks.at,
        .bundles = (uint32_t)s->prog->bundles.n,
        .vlen = s->config.machine.vlen,
        .scratch = b->rows,
        .mem = mem,
        .loop_from = -1,
        .loop_to = -1,
    };
}

/* Gives the instances in the set their state back, as the tile has it now. */
static void settle(struct tile *t, uint64_t set)
{
    const struct fast_frame *f = &t->frame.one;
    uint32_t *scratch[BATCH_LANES], *mem[BATCH_LANES];
    for (uint64_t left = set; left; left &= left - 1) {
        struct instance *at = lane(t, left);
        struct sim_core *core = at->sim.cores;
        at->sim.cycle = f->cycle;
        at->sim.rounds = f->rounds;
        at->sim.work = f->work;
        at->sim.double_writes = f->double_writes;
        at->runs = t->frame.runs;
        core->pc = f->pc;
        core->loop_from = f->loop_from;
        core->loop_to = f->loop_to;
        scratch[__builtin_ctzll(left)] = core->scratch;
        mem[__builtin_ctzll(left)] = at->sim.mem;
    }
    if (!set)
        return;
    const struct sim *s = &t->first->sim;
    tile_out(f->scratch, scratch, set, s->config.machine.scratch);
    tile_out(f->mem, mem, set, s->mem_words);
}

/* The lanes in the set go their own way from where the tile stands. */
static void leave(struct tile *t, uint64_t set)
{
    settle(t, set & t->in);
    t->in &= ~set;
    if (!t->in)
        return;
    const struct sim *s = &t->first->sim;
    const unsigned of = (unsigned)__builtin_ctzll(t->in);
    tile_copy_lane(t->frame.one.scratch, set, of, s->config.machine.scratch);
    tile_copy_lane(t->frame.one.mem, set, of, s->mem_words);
}

/* The lanes that go on at `pc`. */
static uint64_t followers(const struct batch_frame *f, uint32_t pc)
{
    uint64_t set = 0;
    for (unsigned i = 0; i < BATCH_LANES; i++)
        set |= (uint64_t)(f->next[i] == pc) << i;
    return set;
}

static void jump(int64_t *loop_from, int64_t *loop_to, int64_t *pc, uint32_t to)
{
    if (to <= *pc) {
        *loop_from = *pc;
        *loop_to = to;
    }
    *pc = to;
}

/* After the bundle at pc, where the most want to go, they go together. */
static void part(struct tile *t)
{
    struct fast_frame *f = &t->frame.one;
    uint32_t to = t->frame.next[0];
    for (unsigned i = 1; i < BATCH_LANES; i++)
        if (__builtin_popcountll(followers(&t->frame, t->frame.next[i]) & t->in) >
            __builtin_popcountll(followers(&t->frame, to) & t->in))
            to = t->frame.next[i];
    const uint64_t others = BATCH_ALL & ~followers(&t->frame, to), going = others & t->in;
    leave(t, others);
    for (uint64_t left = going; left; left &= left - 1) {
        struct sim_core *core = lane(t, left)->sim.cores;
        jump(&core->loop_from, &core->loop_to, &core->pc, t->frame.next[__builtin_ctzll(left)]);
    }
    jump(&f->loop_from, &f->loop_to, &f->pc, to);
}

/* All that are left in the tile stop here. */
static void stop(struct tile *t)
{
    settle(t, t->in);
    for (uint64_t left = t->in; left; left &= left - 1) {
        struct instance *at = lane(t, left);
        at->sim.cores->state = CORE_STOPPED;
        at->ended = true;
    }
    t->in = 0;
}

/* Until all lanes have left, or effort is. */
static void run_tile(struct sim_batch *b)
{
    enum { WIDTH = BATCH_LANES / 8 };
    struct tile *t = &b->tile;
    struct fast_frame *f = &t->frame.one;
    while (t->in && b->alone->effort) {
        const uint64_t before = f->work;
        if (f->pc >= f->bundles) {
            f->rounds++; /* the one in which they find themselves at the end */
            stop(t);
            spend_rows(b);
            return;
        }
        fast_limit(f, b->alone, &b->stream, UINT64_MAX, WIDTH);
        if (!fast_fits(f, (uint32_t)f->pc)) {
            leave(t, BATCH_ALL);
            spend_rows(b);
            return;
        }
        switch (b->loop(&t->frame)) {
        case BATCH_NEXT: break;
        case BATCH_LEAVE: leave(t, t->frame.odd); break;
        case BATCH_PART: part(t); break;
        case BATCH_HALT: stop(t); break;
        }
        (void)sim_spend(b->alone, sim_effort_of(b->alone, 1 + f->work - before) * WIDTH);
    }
}

/* --- alone ------------------------------------------------------------------------ */

/* Most batches never need it. Without the memory for it, step does the same. */
static void hasten(struct sim *s)
{
    if (s->config.simulator == SIM_FAST || isa_machine_waits(&s->config.machine))
        return;
    if (fast_create(s))
        s->config.simulator = SIM_FAST;
    else
        fast_destroy(s);
}

/* Its state goes to the machine that runs it. */
static void board(struct sim_batch *b, struct instance *at)
{
    struct sim *s = b->alone, *own = &at->sim;
    const uint64_t effort = s->effort;
    hasten(s);
    sim_reset(s, own->mem);
    for (uint32_t c = 0; c < s->config.machine.cores; c++) {
        struct sim_core *to = &s->cores[c], *from = &own->cores[c];
        memcpy(to->scratch, from->scratch, s->config.machine.scratch * sizeof *to->scratch);
        to->pc = from->pc;
        to->loop_from = from->loop_from;
        to->loop_to = from->loop_to;
    }
    s->cycle = own->cycle;
    s->rounds = own->rounds;
    s->work = own->work;
    s->double_writes = own->double_writes;
    s->effort = effort;
    b->busy = true;
}

/* And back. */
static void alight(struct sim_batch *b, struct instance *at)
{
    struct sim *s = b->alone, *own = &at->sim;
    for (uint32_t c = 0; c < s->config.machine.cores; c++) {
        const struct sim_core its = own->cores[c];
        own->cores[c] = s->cores[c];
        own->cores[c].scratch = its.scratch;
        memcpy(its.scratch, s->cores[c].scratch, s->config.machine.scratch * sizeof *its.scratch);
        s->cores[c].trace.at = its.trace.at;
        s->cores[c].trace.n = its.trace.n;
        s->cores[c].trace.capacity = its.trace.capacity;
    }
    if (own->mem_words)
        memcpy(own->mem, s->mem, own->mem_words * sizeof *own->mem);
    own->cycle = s->cycle;
    own->rounds = s->rounds;
    own->work = s->work;
    own->double_writes = s->double_writes;
    own->fault = s->fault;
    at->ended = true;
    b->busy = false;
}

/* False when the effort is over before its run is. */
static bool run_alone(struct sim_batch *b, struct instance *at)
{
    enum sim_end end = SIM_PAUSED;
    if (!b->busy) {
        board(b, at);
        spend_words(b);
    }
    while (b->alone->effort && (end = sim_run_for(b->alone, b->alone->effort)) == SIM_PAUSED)
        at->runs++;
    if (end == SIM_MORE || end == SIM_PAUSED)
        return false;
    alight(b, at);
    return true;
}

bool batch_run_for(struct sim_batch *b, uint64_t effort)
{
    b->alone->effort = effort;
    while (b->loop && (b->tile.in || b->tiled < b->n)) {
        if (!b->alone->effort)
            return false;
        if (!b->tile.in)
            begin(b);
        run_tile(b);
    }
    for (; b->single < b->n; b->single++)
        if (!b->instances[b->single].ended && !run_alone(b, &b->instances[b->single]))
            return false;
    return true;
}

void batch_run(struct sim_batch *b)
{
    while (!batch_run_for(b, UINT64_MAX))
        continue;
}

bool batch_ended(const struct sim_batch *b, uint32_t i)
{
    return b->instances[i].ended;
}

const struct sim *batch_state(const struct sim_batch *b, uint32_t i)
{
    return &b->instances[i].sim;
}

uint64_t batch_runs(const struct sim_batch *b, uint32_t i)
{
    return b->instances[i].runs;
}

/* --- batch tile -------------------------------------------------------------------------- */

/* Four words of four lanes are turned at a time, and lines of the host's cache, STRIP
 * words of each lane, one after the other, so that each is fetched once. */
enum { QUAD = 4, STRIP = 16 };

typedef uint32_t quad
    __attribute__((vector_size(QUAD * sizeof(uint32_t)), aligned(sizeof(uint32_t)), may_alias));

#ifdef __clang__
#define PICK(x, y, i, j, k, l) __builtin_shufflevector(x, y, i, j, k, l)
#else
#define PICK(x, y, i, j, k, l) __builtin_shuffle(x, y, (quad){i, j, k, l})
#endif

/* to[i][k] = from[k][i], i and k below four. */
static inline void turn(uint32_t *const to[QUAD], const uint32_t *const from[QUAD])
{
    const quad a = *(const quad *)from[0], b = *(const quad *)from[1];
    const quad c = *(const quad *)from[2], d = *(const quad *)from[3];
    const quad low = PICK(a, b, 0, 4, 1, 5), high = PICK(a, b, 2, 6, 3, 7);
    const quad low2 = PICK(c, d, 0, 4, 1, 5), high2 = PICK(c, d, 2, 6, 3, 7);
    *(quad *)to[0] = PICK(low, low2, 0, 1, 4, 5);
    *(quad *)to[1] = PICK(low, low2, 2, 3, 6, 7);
    *(quad *)to[2] = PICK(high, high2, 0, 1, 4, 5);
    *(quad *)to[3] = PICK(high, high2, 2, 3, 6, 7);
}

static uint32_t *word_of(uint32_t *rows, size_t w, unsigned t)
{
    return rows + w * BATCH_LANES + t;
}

void tile_in(uint32_t *rows, const uint32_t *const *from, size_t words)
{
    const size_t strips = words - words % STRIP;
    for (size_t w = 0; w < strips; w += STRIP)
        for (unsigned t = 0; t < BATCH_LANES; t += QUAD) {
            for (unsigned k = 0; k < QUAD; k++)
                __builtin_prefetch(from[t + k] + w + 2 * STRIP);
            for (size_t i = w; i < w + STRIP; i += QUAD)
                turn((uint32_t *const[]){word_of(rows, i, t), word_of(rows, i + 1, t),
                                         word_of(rows, i + 2, t), word_of(rows, i + 3, t)},
                     (const uint32_t *const[]){from[t] + i, from[t + 1] + i, from[t + 2] + i,
                                               from[t + 3] + i});
        }
    for (size_t w = strips; w < words; w++)
        for (unsigned t = 0; t < BATCH_LANES; t++)
            *word_of(rows, w, t) = from[t][w];
}

/* Lanes t to t + 3. */
static void quads_out(uint32_t *rows, uint32_t *const *to, unsigned t, size_t w)
{
    for (unsigned k = 0; k < QUAD; k++)
        __builtin_prefetch(to[t + k] + w + 2 * STRIP, 1);
    for (size_t i = w; i < w + STRIP; i += QUAD)
        turn((uint32_t *const[]){to[t] + i, to[t + 1] + i, to[t + 2] + i, to[t + 3] + i},
             (const uint32_t *const[]){word_of(rows, i, t), word_of(rows, i + 1, t), word_of(rows, i + 2, t),
                                       word_of(rows, i + 3, t)});
}

void tile_out(uint32_t *rows, uint32_t *const *to, uint64_t set, size_t words)
{
    const size_t strips = words - words % STRIP;
    const uint64_t four = (1 << QUAD) - 1;
    for (size_t w = 0; w < strips; w += STRIP)
        for (unsigned t = 0; t < BATCH_LANES; t += QUAD) {
            if ((set >> t & four) == four) {
                quads_out(rows, to, t, w);
                continue;
            }
            for (uint64_t left = set & four << t; left; left &= left - 1)
                for (size_t i = w; i < w + STRIP; i++)
                    to[__builtin_ctzll(left)][i] = *word_of(rows, i, (unsigned)__builtin_ctzll(left));
        }
    for (size_t w = strips; w < words; w++)
        for (uint64_t left = set; left; left &= left - 1)
            to[__builtin_ctzll(left)][w] = *word_of(rows, w, (unsigned)__builtin_ctzll(left));
}

void tile_copy_lane(uint32_t *rows, uint64_t set, unsigned of, size_t words)
{
    for (size_t w = 0; w < words; w++)
        for (uint64_t left = set; left; left &= left - 1)
            *word_of(rows, w, (unsigned)__builtin_ctzll(left)) = *word_of(rows, w, of);
}
