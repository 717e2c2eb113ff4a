/* The fast simulator's driver. One core runs in the loop from jump to jump for as
 * long as a run straight to the end of the program keeps within the limits; close
 * to a limit, and with several cores, bundles are taken in turns, by the stream
 * that yields after each. Bundles without a fast form, and all that fault, are
 * done by the oracle, so that both simulators say the same of them. */
#include <stdlib.h>

#include "sim/engine/fast.h"
#include "sim/engine/simulator.h"

struct sim_fast {
    struct fast_results results;
    struct micro_stream straight; /* one core running on and on */
    struct micro_stream turns;    /* bundle by bundle; made when first needed */
    fast_loop *loop;
};

static fast_loop *loop_for_host(void)
{
#ifdef FAST_HAVE_AVX2
    if (__builtin_cpu_supports("avx2"))
        return fast_loop_avx2;
#endif
    return fast_loop_any;
}

static bool make(struct sim *s, enum micro_form form, struct micro_stream *out)
{
    if (out->marks.n || predecode(s->prog, &s->config, s->mem_words, form, out))
        return true;
    predecode_free(out);
    return false;
}

bool fast_create(struct sim *s)
{
    s->fast = calloc(1, sizeof *s->fast);
    if (!s->fast)
        return false;
    s->fast->loop = loop_for_host();
    return s->config.machine.cores > 1 ? make(s, MICRO_TURNS, &s->fast->turns)
                                       : make(s, MICRO_STRAIGHT, &s->fast->straight);
}

void fast_destroy(struct sim *s)
{
    if (!s->fast)
        return;
    predecode_free(&s->fast->straight);
    predecode_free(&s->fast->turns);
    free(s->fast);
    s->fast = NULL;
}

static struct fast_frame frame(struct sim *s, const struct micro_stream *stream, uint32_t core)
{
    return (struct fast_frame){
        .code = stream->code.at,
        .marks = stream->marks.at,
        .blocks = stream->blocks.at,
        .bundles = (uint32_t)s->prog->bundles.n,
        .vlen = s->config.machine.vlen,
        .core = core,
        .scratch = s->cores[core].scratch,
        .mem = s->mem,
        .results = &s->fast->results,
    };
}

static bool inside(const struct sim *s, const struct sim_core *core)
{
    return core->pc >= 0 && (uint64_t)core->pc < s->prog->bundles.n;
}

/* Runs one core from where it stands; the accounts are the frame's. */
static enum fast_exit enter(struct sim *s, struct fast_frame *f)
{
    struct sim_core *core = &s->cores[f->core];
    f->pc = core->pc;
    f->loop_from = core->loop_from;
    f->loop_to = core->loop_to;
    const enum fast_exit why = s->fast->loop(f);
    core->pc = f->pc;
    core->loop_from = f->loop_from;
    core->loop_to = f->loop_to;
    if (why == FAST_HALT || why == FAST_PAUSE)
        core->state = why == FAST_HALT ? CORE_STOPPED : CORE_PAUSED;
    return why;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t left_of(uint64_t limit, uint64_t used)
{
    return limit > used ? limit - used : 0;
}

void fast_limit(struct fast_frame *f, const struct sim *s, const struct micro_stream *stream, uint64_t most,
                uint64_t width)
{
    const struct sim_config *c = &s->config;
    const uint64_t pass = f->bundles - (uint64_t)f->pc, work = stream->most_work ? stream->most_work : 1;
    const uint64_t slice = s->effort / (sim_effort_of(s, work) * width);
    uint64_t rounds = least(left_of(c->round_limit, f->rounds), left_of(c->cycle_limit, f->cycle));
    rounds = least(rounds, left_of(c->work_limit, f->work) / work);
    rounds = least(least(rounds, most), slice < pass ? pass : slice);
    f->round_limit = rounds > UINT64_MAX - f->rounds ? UINT64_MAX : f->rounds + rounds;
}

/* Close to a limit the oracle sees whether it is reached. */
static bool may_exceed(const struct sim *s, const struct fast_frame *f, int64_t pc)
{
    const struct micro_mark *mark = &f->marks[pc];
    return s->cycle >= s->config.cycle_limit || s->rounds >= s->config.round_limit ||
           s->work + (mark[1].work - mark[0].work) > s->config.work_limit;
}

/* One bundle of one core: as step_bundle. */
static bool turn(struct sim *s, struct fast_frame *f)
{
    if (may_exceed(s, f, s->cores[f->core].pc))
        return step_bundle(s, f->core);
    f->cycle = f->rounds = f->work = f->double_writes = 0; /* limits of 0: it leaves at a jump */
    const enum fast_exit why = enter(s, f);
    s->double_writes += f->double_writes;
    s->work += f->work;
    return why != FAST_ORACLE || step_bundle(s, f->core);
}

/* As step_round. */
static bool round_of_turns(struct sim *s, struct fast_frame *frames)
{
    bool costs = false;
    for (uint32_t c = 0; c < s->config.machine.cores; c++) {
        struct sim_core *core = &s->cores[c];
        if (core->state != CORE_RUNNING)
            continue;
        if (!inside(s, core)) {
            core->state = CORE_STOPPED;
            continue;
        }
        const struct micro_mark *mark = &frames[c].marks[core->pc];
        if (!turn(s, &frames[c]))
            return false;
        costs |= mark[1].cycles != mark[0].cycles;
    }
    s->rounds++;
    s->cycle += costs;
    return true;
}

/* Up to `rounds` rounds in turns, at least one, as far as the effort goes. */
static bool run_turns(struct sim *s, uint64_t rounds)
{
    struct fast_frame frames[ISA_MAX_CORES];
    if (!make(s, MICRO_TURNS, &s->fast->turns))
        return step_round(s); /* no memory for the stream: slower, but the same */
    for (uint32_t c = 0; c < s->config.machine.cores; c++)
        frames[c] = frame(s, &s->fast->turns, c);
    uint64_t before;
    do {
        before = s->work;
        if (!round_of_turns(s, frames))
            return false;
    } while (sim_spend(s, sim_effort_of(s, 1 + s->work - before)) && --rounds && sim_any_running(s));
    return true;
}

/* One core, straight on as far as limits allow. False at a fault. */
static bool run_straight(struct sim *s, uint64_t round_limit)
{
    struct fast_frame f = frame(s, &s->fast->straight, 0);
    f.cycle = s->cycle;
    f.rounds = s->rounds;
    f.work = s->work;
    f.double_writes = s->double_writes;
    f.pc = s->cores[0].pc;
    fast_limit(&f, s, &s->fast->straight, round_limit - s->rounds, 1);
    if (!fast_fits(&f, (uint32_t)f.pc)) {
        /* Until the next decision may be another one: the end of the program or of the budget. */
        const uint64_t left = round_limit - s->rounds;
        return run_turns(s, left < 64 ? left : 64);
    }
    const uint64_t before = s->work;
    const enum fast_exit why = enter(s, &f);
    s->cycle = f.cycle;
    s->rounds = f.rounds;
    s->work = f.work;
    s->double_writes = f.double_writes;
    const bool good = why != FAST_ORACLE || step_round(s);
    (void)sim_spend(s, sim_effort_of(s, 1 + s->work - before));
    return good;
}

enum sim_end fast_run(struct sim *s, uint64_t rounds)
{
    const uint64_t round_limit = rounds > UINT64_MAX - s->rounds ? UINT64_MAX : s->rounds + rounds;
    while (s->rounds < round_limit && s->effort && sim_any_running(s)) {
        const bool alone = s->config.machine.cores == 1;
        if (!(!alone                    ? run_turns(s, round_limit - s->rounds)
              : inside(s, &s->cores[0]) ? run_straight(s, round_limit)
                                        : step_round(s)))
            return SIM_FAULTED;
    }
    return sim_end_of(s);
}
