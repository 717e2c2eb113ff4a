/* The oracle: one round, bundle and slot at a time, as the rules of sim/README.md say.
 * Every slot reads the state before the bundle; writes are collected and commit
 * together, so a fault anywhere leaves the state before the bundle intact.
 * Order of findings as on the reference machine: slots in program order, and
 * addresses of writes only after every slot has been read. */
#include <inttypes.h>
#include <stdlib.h>

#include "sim/engine/latency.h"
#include "sim/engine/simulator.h"
#include "sim/observe.h"

struct sim_step_state {
    VEC(struct sim_write) scratch, mem;
    VEC(uint32_t) trace;
    /* The serial number of the last bundle that wrote each word, to see double writes. */
    uint64_t *scratch_stamp, *mem_stamp;
    uint64_t serial;
    bool waits; /* some engine takes more than a cycle: */
    struct late late;
};

/* A bundle under execution. */
struct bundle {
    struct sim *s;
    struct sim_step_state *st;
    struct sim_core *core;
    uint32_t core_number;
    int64_t pc;      /* of this bundle */
    int64_t next_pc; /* as the slots so far leave it */
    enum sim_core_state next_state;
    uint32_t slot; /* the one at work, an index into prog->slots */
};

bool step_create(struct sim *s)
{
    s->step = calloc(1, sizeof *s->step);
    if (!s->step)
        return false;
    s->step->scratch_stamp = calloc(s->config.machine.scratch, sizeof(uint64_t));
    s->step->mem_stamp = calloc(s->mem_words + 1, sizeof(uint64_t));
    s->step->waits = isa_machine_waits(&s->config.machine);
    return s->step->scratch_stamp && s->step->mem_stamp;
}

void step_reset(struct sim *s)
{
    if (s->step)
        latency_clear(&s->step->late);
}

struct late *latency_state_of(const struct sim *s)
{
    return &s->step->late;
}

void step_destroy(struct sim *s)
{
    struct sim_step_state *st = s->step;
    if (!st)
        return;
    vec_free(&st->scratch);
    vec_free(&st->mem);
    vec_free(&st->trace);
    free(st->scratch_stamp);
    free(st->mem_stamp);
    latency_free(&st->late);
    free(st);
    s->step = NULL;
}

#define FAIL(b, kind, ...) sim_fail((b)->s, (b)->core_number, (b)->pc, (b)->slot, kind, __VA_ARGS__)

static bool no_memory(struct bundle *b)
{
    return FAIL(b, FAULT_OUT_OF_MEMORY, "the host is out of memory");
}

static bool read_scratch(struct bundle *b, int64_t address, uint32_t *out)
{
    const uint32_t size = b->s->config.machine.scratch;
    if (address < 0 || address >= size)
        return FAIL(b, FAULT_OUT_OF_RANGE, "reads scratch word %" PRId64 ", scratch has %u words", address,
                    size);
    *out = b->core->scratch[address];
    return true;
}

static bool read_mem(struct bundle *b, int64_t address, uint32_t *out)
{
    if (address < 0 || (uint64_t)address >= b->s->mem_words)
        return FAIL(b, FAULT_OUT_OF_RANGE, "reads memory word %" PRId64 ", memory has %zu words", address,
                    b->s->mem_words);
    *out = b->s->mem[address];
    return true;
}

static bool write_scratch(struct bundle *b, int64_t address, uint32_t value)
{
    return vec_push(&b->st->scratch, (struct sim_write){address, value, b->slot}) || no_memory(b);
}

static bool write_mem(struct bundle *b, int64_t address, uint32_t value)
{
    return vec_push(&b->st->mem, (struct sim_write){address, value, b->slot}) || no_memory(b);
}

static bool do_pure(struct bundle *b, const struct isa_slot *s, const struct isa_info *info,
                    const struct isa_effects *fx)
{
    for (uint32_t lane = 0; lane < fx->write.n; lane++) {
        uint32_t in[ISA_MAX_ARGS] = {0};
        for (unsigned i = 0; i < fx->reads; i++)
            if (!read_scratch(b, fx->read[i].first + (fx->read[i].n > 1 ? lane : 0), &in[i]))
                return false;
        if (info->partial && in[1] == 0)
            return FAIL(b, FAULT_DIVIDE_BY_ZERO, "%u %s 0 in lane %u", in[0], info->name, lane);
        const uint32_t value = isa_eval((enum isa_op)s->op, in[0], in[1], in[2], (uint32_t)s->literal);
        if (!write_scratch(b, fx->write.first + lane, value))
            return false;
    }
    return true;
}

static bool do_load(struct bundle *b, const struct isa_effects *fx)
{
    uint32_t address = 0, value = 0;
    if (!read_scratch(b, fx->read[0].first, &address))
        return false;
    for (uint32_t lane = 0; lane < fx->write.n; lane++)
        if (!read_mem(b, (int64_t)address + lane, &value) || !write_scratch(b, fx->write.first + lane, value))
            return false;
    return true;
}

static bool do_store(struct bundle *b, const struct isa_effects *fx)
{
    uint32_t address = 0, value = 0;
    if (!read_scratch(b, fx->read[0].first, &address))
        return false;
    for (uint32_t lane = 0; lane < fx->read[1].n; lane++)
        if (!read_scratch(b, fx->read[1].first + lane, &value) ||
            !write_mem(b, (int64_t)address + lane, value))
            return false;
    return true;
}

static bool jump_to(struct bundle *b, int64_t target)
{
    if (target < 0)
        return FAIL(b, FAULT_OUT_OF_RANGE, "jumps to bundle %" PRId64 ", expected 0 or more", target);
    b->next_pc = target;
    return true;
}

static bool do_control(struct bundle *b, const struct isa_slot *s, enum isa_kind kind,
                       const struct isa_effects *fx)
{
    uint32_t value = 0;
    if (fx->reads && !read_scratch(b, fx->read[0].first, &value))
        return false;
    switch ((int)kind) {
    case KIND_JUMP: return jump_to(b, s->literal);
    case KIND_COND_JUMP: return !value || jump_to(b, s->literal);
    case KIND_COND_JUMP_REL: {
        int64_t target;
        if (__builtin_add_overflow(b->next_pc, s->literal, &target))
            target = s->literal < 0 ? INT64_MIN : INT64_MAX;
        return !value || jump_to(b, target);
    }
    case KIND_JUMP_INDIRECT: return jump_to(b, value);
    case KIND_HALT: b->next_state = CORE_STOPPED; return true;
    case KIND_PAUSE:
        if (b->s->config.pause)
            b->next_state = CORE_PAUSED;
        return true;
    case KIND_COREID: return write_scratch(b, fx->write.first, b->core_number);
    default: /* KIND_TRACE */
        if (b->core->trace.n + b->st->trace.n >= b->s->config.trace_limit)
            return FAIL(b, FAULT_TRACE_LIMIT, "the trace buffer is full: limit of %" PRIu64 " words",
                        b->s->config.trace_limit);
        return vec_push(&b->st->trace, value) || no_memory(b);
    }
}

static bool do_compare(struct bundle *b, const struct isa_slot *s, const struct isa_effects *fx)
{
    if (!b->s->config.debug)
        return true;
    const struct prog *p = b->s->prog;
    const bool vector = isa_is_vector((enum isa_op)s->op);
    const uint32_t keys = vector ? (uint32_t)s->arg[1] : 1;
    if (vector && keys != b->s->config.machine.vlen)
        return FAIL(b, FAULT_DEBUG_MISMATCH, "%u keys for %u lanes", keys, b->s->config.machine.vlen);
    for (uint32_t lane = 0; lane < keys; lane++) {
        uint32_t value = 0;
        if (!read_scratch(b, fx->read[0].first + lane, &value))
            return false;
        const int64_t key = s->literal + lane;
        const struct sim_expected *e = b->s->expected ? &b->s->expected[key] : NULL;
        if (!e || e->kind == EXPECT_UNKNOWN)
            return FAIL(b, FAULT_DEBUG_MISMATCH, "no expected value for key %.80s", p->texts.at[key]);
        if (e->kind == EXPECT_OTHER)
            return FAIL(b, FAULT_DEBUG_MISMATCH,
                        "found %u, expected \"<value %" PRId64 ">\" for key %.80s (lane %u)", value, key,
                        p->texts.at[key], lane);
        if (e->value != value)
            return FAIL(b, FAULT_DEBUG_MISMATCH, "found %u, expected %u for key %.80s (lane %u)", value,
                        e->value, p->texts.at[key], lane);
    }
    return true;
}

static bool do_slot(struct bundle *b, const struct isa_slot *s)
{
    const struct isa_info *info = isa_info((enum isa_op)s->op);
    const struct isa_effects fx = isa_effects(s, b->s->config.machine.vlen);
    switch (info->kind) {
    case KIND_PURE: return do_pure(b, s, info, &fx);
    case KIND_LOAD:
    case KIND_VLOAD: return do_load(b, &fx);
    case KIND_STORE:
    case KIND_VSTORE: return do_store(b, &fx);
    case KIND_COMPARE: return do_compare(b, s, &fx);
    case KIND_NOTHING: return true;
    case KIND_UNKNOWN: return FAIL(b, FAULT_UNKNOWN_OP, "no such operation");
    default: return do_control(b, s, info->kind, &fx);
    }
}

/* Checks one buffer of writes: addresses, then same-bundle double writes. */
static bool check_writes(struct bundle *b, const struct sim_write *w, size_t n, uint64_t *stamp, size_t size,
                         const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (w[i].address < 0 || (uint64_t)w[i].address >= size) {
            b->slot = w[i].slot;
            return FAIL(b, FAULT_OUT_OF_RANGE, "writes %s word %" PRId64 ", %s has %zu words", what,
                        w[i].address, what, size);
        }
    for (size_t i = 0; b->s->config.strict && i < n; i++) {
        if (stamp[w[i].address] == b->st->serial) {
            b->slot = w[i].slot;
            return FAIL(b, FAULT_WRITE_CONFLICT, "%s word %" PRId64 " is already written in this bundle",
                        what, w[i].address);
        }
        stamp[w[i].address] = b->st->serial;
    }
    return true;
}

static void count_write(struct bundle *b, const struct sim_write *w, uint64_t *stamp)
{
    b->s->double_writes += stamp[w->address] == b->st->serial;
    stamp[w->address] = b->st->serial;
}

static void apply_writes(struct bundle *b, const struct sim_write *w, size_t n, uint64_t *stamp,
                         uint32_t *words)
{
    for (size_t i = 0; i < n; i++) {
        count_write(b, &w[i], stamp);
        words[w[i].address] = w[i].value;
    }
}

static uint32_t latency_of(const struct bundle *b, const struct sim_write *w)
{
    return b->s->config.machine.latency[b->s->prog->slots.at[w->slot].engine];
}

static bool reserve_in_flight(struct bundle *b)
{
    const struct sim_step_state *st = b->st;
    size_t writes[ISA_MAX_LATENCY + 1] = {0};
    for (size_t i = 0; i < st->scratch.n; i++)
        writes[latency_of(b, &st->scratch.at[i])]++;
    for (size_t i = 0; i < st->mem.n; i++)
        writes[latency_of(b, &st->mem.at[i])]++;
    for (unsigned l = 1; l <= ISA_MAX_LATENCY; l++)
        if (writes[l] && !latency_reserve(&b->st->late, b->s->cycle + l, writes[l]))
            return no_memory(b);
    return true;
}

static void issue_writes(struct bundle *b, const struct sim_write *w, size_t n, uint64_t *stamp,
                         bool in_memory)
{
    for (size_t i = 0; i < n; i++) {
        const struct sim_commit late = {.round = b->s->rounds,
                                        .cycle = b->s->cycle,
                                        .bundle = (uint32_t)b->pc,
                                        .slot = w[i].slot,
                                        .core = b->core_number,
                                        .address = (uint32_t)w[i].address,
                                        .value = w[i].value,
                                        .in_memory = in_memory};
        count_write(b, &w[i], stamp);
        latency_add(&b->st->late, b->s->cycle + latency_of(b, &w[i]), late);
    }
}

/* Where results take their time. A bundle that costs nothing writes nothing and does not end its cycle. */
static void apply_in_flight(struct bundle *b)
{
    struct sim_step_state *st = b->st;
    issue_writes(b, st->scratch.at, st->scratch.n, st->scratch_stamp, false);
    issue_writes(b, st->mem.at, st->mem.n, st->mem_stamp, true);
    if (prog_costs_cycle(b->s->prog, (uint32_t)b->pc))
        latency_commit(&st->late, b->s, b->s->cycle + 1, b->core_number);
}

static void tell(const struct bundle *b)
{
    const struct sim_step_state *st = b->st;
    const struct sim_bundle event = {
        .sim = b->s,
        .core = b->core_number,
        .bundle = (uint32_t)b->pc,
        .scratch = st->scratch.at,
        .mem = st->mem.at,
        .n_scratch = st->scratch.n,
        .n_mem = st->mem.n,
        .next_pc = b->next_pc,
        .number = st->late.issued,
    };
    b->s->sink->bundle(b->s->sink->user, &event);
}

/* All slots have been read without a fault: let the writes commit. */
static bool commit(struct bundle *b)
{
    struct sim *s = b->s;
    struct sim_step_state *st = b->st;
    b->slot = UINT32_MAX;
    st->serial++;
    if (!check_writes(b, st->scratch.at, st->scratch.n, st->scratch_stamp, s->config.machine.scratch,
                      "scratch") ||
        !check_writes(b, st->mem.at, st->mem.n, st->mem_stamp, s->mem_words, "memory"))
        return false;
    if (!vec_reserve(&b->core->trace, st->trace.n))
        return no_memory(b);
    if (st->waits && !reserve_in_flight(b))
        return false;
    if (s->sink)
        tell(b);
    st->serial++; /* check_writes has used the stamps in strict mode */
    if (st->waits) {
        apply_in_flight(b);
    } else {
        apply_writes(b, st->scratch.at, st->scratch.n, st->scratch_stamp, b->core->scratch);
        apply_writes(b, st->mem.at, st->mem.n, st->mem_stamp, s->mem);
    }
    for (size_t i = 0; i < st->trace.n; i++)
        b->core->trace.at[b->core->trace.n++] = st->trace.at[i];
    if (b->next_pc <= b->pc) {
        b->core->loop_from = b->pc;
        b->core->loop_to = b->next_pc;
    }
    b->core->pc = b->next_pc;
    b->core->state = b->next_state;
    return true;
}

__attribute__((noinline, cold)) static bool exceeds(struct bundle *b, enum sim_fault_kind kind,
                                                    uint64_t limit, const char *of)
{
    if (b->core->loop_from >= 0)
        return FAIL(b, kind,
                    "limit of %" PRIu64 " %s reached; last looped from bundle %" PRId64 " to %" PRId64, limit,
                    of, b->core->loop_from, b->core->loop_to);
    return FAIL(b, kind, "limit of %" PRIu64 " %s reached", limit, of);
}

/* A limit that this bundle would exceed is a fault. */
static bool within_limits(struct bundle *b, uint64_t work)
{
    struct sim *s = b->s;
    const struct sim_config *c = &s->config;
    if (s->cycle >= c->cycle_limit && prog_costs_cycle(s->prog, (uint32_t)b->pc))
        return exceeds(b, FAULT_CYCLE_LIMIT, c->cycle_limit, "cycles");
    if (s->rounds >= c->round_limit)
        return exceeds(b, FAULT_ROUND_LIMIT, c->round_limit, "rounds");
    if (s->work > c->work_limit || work > c->work_limit - s->work)
        return exceeds(b, FAULT_WORK_LIMIT, c->work_limit, "bundles and slots");
    return true;
}

bool step_bundle(struct sim *s, uint32_t core)
{
    struct sim_step_state *st = s->step;
    struct sim_core *c = &s->cores[core];
    struct bundle b = {s, st, c, core, c->pc, c->pc + 1, CORE_RUNNING, UINT32_MAX};
    const uint64_t work = sim_bundle_work(s->prog, (uint32_t)c->pc);
    if (!within_limits(&b, work))
        return false;
    st->scratch.n = st->mem.n = st->trace.n = 0;
    const struct prog *p = s->prog;
    const struct prog_span groups = prog_groups(p, (uint32_t)c->pc);
    for (uint32_t g = groups.begin; g < groups.end; g++) {
        const struct prog_span slots = prog_slots(p, g);
        const enum isa_engine engine = (enum isa_engine)p->groups.at[g].engine;
        const uint32_t limit = s->config.machine.slots[engine];
        if (engine != ENGINE_DEBUG && slots.end - slots.begin > limit) {
            b.slot = slots.begin + limit;
            return FAIL(&b, FAULT_SLOT_LIMIT, "%u %s slots, at most %u a cycle", slots.end - slots.begin,
                        isa_engine_name(engine), limit);
        }
        for (b.slot = slots.begin; b.slot < slots.end; b.slot++)
            if (!do_slot(&b, &p->slots.at[b.slot]))
                return false;
    }
    if (!commit(&b))
        return false;
    s->work += work;
    return true;
}

bool step_round(struct sim *s)
{
    bool costs = false;
    for (uint32_t c = 0; c < s->config.machine.cores; c++) {
        struct sim_core *core = &s->cores[c];
        if (core->state != CORE_RUNNING)
            continue;
        if (core->pc < 0 || (uint64_t)core->pc >= s->prog->bundles.n) {
            core->state = CORE_STOPPED;
            latency_finish(&s->step->late, s, c);
            continue;
        }
        const uint32_t bundle = (uint32_t)core->pc;
        if (!step_bundle(s, c))
            return false;
        if (core->state != CORE_RUNNING)
            latency_finish(&s->step->late, s, c);
        costs = costs || prog_costs_cycle(s->prog, bundle);
    }
    s->rounds++;
    s->cycle += costs;
    if (costs && s->step->late.waiting)
        latency_commit(&s->step->late, s, s->cycle, UINT32_MAX);
    return true;
}
