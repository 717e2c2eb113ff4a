#include "sim/machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/engine/simulator.h"
#include "sim/observe.h"

/* uthash reports an allocation failure through this hook instead of exiting. */
#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) (*(oom) = true, (void)(element))
#include <uthash.h>

static const char *const fault_names[FAULT_KINDS] = {
    [FAULT_NONE] = "none",
    [FAULT_OUT_OF_RANGE] = "out_of_range",
    [FAULT_DIVIDE_BY_ZERO] = "divide_by_zero",
    [FAULT_SLOT_LIMIT] = "slot_limit",
    [FAULT_UNKNOWN_OP] = "unknown_op",
    [FAULT_DEBUG_MISMATCH] = "debug_mismatch",
    [FAULT_WRITE_CONFLICT] = "write_conflict",
    [FAULT_CYCLE_LIMIT] = "cycle_limit",
    [FAULT_ROUND_LIMIT] = "round_limit",
    [FAULT_WORK_LIMIT] = "work_limit",
    [FAULT_TRACE_LIMIT] = "trace_limit",
    [FAULT_OUT_OF_MEMORY] = "out_of_memory",
};

static const char *const simulator_names[SIM_SIMULATORS] = {[SIM_STEP] = "step", [SIM_FAST] = "fast"};

const char *sim_fault_name(enum sim_fault_kind kind)
{
    return fault_names[kind];
}

const char *sim_simulator_name(enum sim_simulator simulator)
{
    return simulator_names[simulator];
}

enum sim_simulator sim_find_simulator(const char *name)
{
    unsigned e = 0;
    while (e < SIM_SIMULATORS && strcmp(simulator_names[e], name) != 0)
        e++;
    return (enum sim_simulator)e;
}

struct sim_config sim_default_config(void)
{
    return (struct sim_config){
        .machine = isa_default_machine(),
        .simulator = SIM_FAST,
        .debug = true,
        .cycle_limit = 1000000000,
        .trace_limit = 1 << 24,
    };
}

/* An expected value in the table that resolves the program's key texts once. */
struct entry {
    UT_hash_handle hh;
    uint32_t value;
};

/* Fills s->expected: for each of the program's texts, the value given for the key
 * that is spelled so. The last of equal keys counts. */
static bool resolve_values(struct sim *s, const struct sim_config *config)
{
    const struct prog *p = s->prog;
    bool failed = false, *oom = &failed;
    struct entry *table = NULL;
    struct entry *entries = calloc(config->n_values + 1, sizeof *entries);
    s->expected = calloc(p->texts.n + 1, sizeof *s->expected);
    for (size_t i = 0; entries && s->expected && i < config->n_values && !failed; i++) {
        const struct sim_value *v = &config->values[i];
        struct entry *found;
        HASH_FIND_STR(table, v->key, found);
        if (found) {
            found->value = v->value;
            continue;
        }
        entries[i].value = v->value;
        HASH_ADD_KEYPTR(hh, table, v->key, strlen(v->key), &entries[i]);
    }
    for (size_t t = 0; entries && s->expected && t < p->texts.n; t++) {
        struct entry *found;
        HASH_FIND_STR(table, p->texts.at[t], found);
        if (found)
            s->expected[t] = (struct sim_expected){EXPECT_WORD, found->value};
    }
    HASH_CLEAR(hh, table);
    const bool good = entries && s->expected && !failed;
    free(entries);
    return good;
}

/* Limits in proportion leave ordinary programs alone: a cycle has a few free bundles at the
 * most, and tens of slots. What is there besides is for programs that never cost a cycle. */
void sim_fill_limits(struct sim_config *config)
{
    enum { ROUNDS = 4, SLOTS = 128 };
    const uint64_t cycles = config->cycle_limit, few = 1 << 20;
    if (!config->round_limit)
        config->round_limit = cycles < UINT64_MAX / ROUNDS - few ? ROUNDS * cycles + few : UINT64_MAX;
    if (!config->work_limit)
        config->work_limit = cycles < UINT64_MAX / SLOTS - few ? SLOTS * (cycles + few) : UINT64_MAX;
}

/* Clears words. Of a large area the pages go back to the system, which hands out zeros when one is touched
 * again: a program touches few of them. */
static void clear_words(uint32_t *words, size_t n)
{
    enum { PAGE = 1 << 12, LARGE = 1 << 18 };
    char *const at = (char *)words, *const end = (char *)(words + n);
    char *const from = at + (PAGE - (uintptr_t)at % PAGE) % PAGE, *const to = end - (uintptr_t)end % PAGE;
    if (n < LARGE || madvise(from, (size_t)(to - from), MADV_DONTNEED) != 0) {
        memset(words, 0, n * sizeof *words);
        return;
    }
    memset(at, 0, (size_t)(from - at));
    memset(to, 0, (size_t)(end - to));
}

/* Aligned so that aligned vectors do not straddle the host's cache lines. What lies behind the n words is
 * cleared here, they by sim_reset. */
static uint32_t *scratch_words(size_t n)
{
    const size_t line = 64, bytes = ((n + SIM_SPARE) * sizeof(uint32_t) + line - 1) / line * line;
    uint32_t *words = aligned_alloc(line, bytes);
    if (words)
        memset(words + n, 0, bytes - n * sizeof *words);
    return words;
}

static bool create_state(struct sim *s, const struct sim_config *config, const uint32_t *mem)
{
    s->cores = calloc(s->config.machine.cores, sizeof *s->cores);
    s->mem = calloc(s->mem_words + SIM_SPARE_MEM, sizeof *s->mem);
    if (!s->cores || !s->mem)
        return false;
    for (uint32_t c = 0; c < s->config.machine.cores; c++)
        if (!(s->cores[c].scratch = scratch_words(s->config.machine.scratch)))
            return false;
    if (config->n_values && !resolve_values(s, config))
        return false;
    /* Fast forms are for results that are there in the next cycle. */
    if (isa_machine_waits(&s->config.machine))
        s->config.simulator = SIM_STEP;
    s->config.values = NULL;
    s->config.n_values = 0;
    sim_fill_limits(&s->config);
    sim_reset(s, mem);
    return step_create(s) && (s->config.simulator != SIM_FAST || fast_create(s));
}

static double gib(uint64_t words)
{
    return (double)(words * sizeof(uint32_t)) / (double)(1 << 30);
}

enum status sim_create(const struct prog *p, const struct sim_config *config, const uint32_t *mem,
                       size_t mem_words, struct sim **out, struct diag *d)
{
    *out = NULL;
    const char *why = isa_machine_validate(&config->machine);
    if (why)
        return diag_set(d, ST_INPUT, "machine: %s", why);
    if (mem_words > UINT32_MAX)
        return diag_set(d, ST_INPUT, "memory: %zu words, expected at most 2^32 - 1", mem_words);
    if ((uint64_t)config->machine.cores * config->machine.scratch > SIM_MAX_SCRATCH)
        return diag_set(d, ST_LIMIT,
                        "machine: %u cores with %u words of scratch take %.2f GiB, expected at most %.3f GiB",
                        config->machine.cores, config->machine.scratch,
                        gib((uint64_t)config->machine.cores * config->machine.scratch), gib(SIM_MAX_SCRATCH));
    struct sim *s = calloc(1, sizeof *s);
    if (!s)
        return diag_set(d, ST_NOMEM, "out of memory");
    s->prog = p;
    s->config = *config;
    s->mem_words = mem_words;
    if (!create_state(s, config, mem)) {
        sim_destroy(s);
        return diag_set(d, ST_NOMEM, "out of memory for the machine's state");
    }
    *out = s;
    return ST_OK;
}

void sim_destroy(struct sim *s)
{
    if (!s)
        return;
    fast_destroy(s);
    step_destroy(s);
    for (uint32_t c = 0; s->cores && c < s->config.machine.cores; c++) {
        free(s->cores[c].scratch);
        vec_free(&s->cores[c].trace);
    }
    free(s->cores);
    free(s->mem);
    free(s->expected);
    free(s);
}

void sim_reset(struct sim *s, const uint32_t *mem)
{
    if (s->mem_words)
        memcpy(s->mem, mem, s->mem_words * sizeof *mem);
    for (uint32_t c = 0; c < s->config.machine.cores; c++) {
        struct sim_core *core = &s->cores[c];
        core->pc = 0;
        core->state = CORE_RUNNING;
        core->trace.n = 0;
        core->loop_from = core->loop_to = -1;
        clear_words(core->scratch, s->config.machine.scratch);
    }
    step_reset(s);
    s->cycle = s->rounds = s->work = s->double_writes = 0;
    s->fault = (struct sim_fault){.kind = FAULT_NONE};
}

bool sim_any_running(const struct sim *s)
{
    for (uint32_t c = 0; c < s->config.machine.cores; c++)
        if (s->cores[c].state == CORE_RUNNING)
            return true;
    return false;
}

enum sim_end sim_end_of(const struct sim *s)
{
    if (s->fault.kind != FAULT_NONE)
        return SIM_FAULTED;
    enum sim_end end = SIM_STOPPED;
    for (uint32_t c = 0; c < s->config.machine.cores; c++) {
        if (s->cores[c].state == CORE_RUNNING)
            return SIM_MORE;
        if (s->cores[c].state == CORE_PAUSED)
            end = SIM_PAUSED;
    }
    return end;
}

void sim_observe(struct sim *s, const struct sim_sink *sink)
{
    s->sink = sink;
}

static void resume_paused(struct sim *s)
{
    for (uint32_t c = 0; c < s->config.machine.cores; c++)
        if (s->cores[c].state == CORE_PAUSED)
            s->cores[c].state = CORE_RUNNING;
}

static enum sim_end advance(struct sim *s, uint64_t rounds, uint64_t effort)
{
    if (s->fault.kind != FAULT_NONE)
        return SIM_FAULTED;
    s->effort = effort;
    if (s->config.simulator == SIM_FAST && !s->sink)
        return fast_run(s, rounds);
    while (rounds-- && s->effort && sim_any_running(s)) {
        const uint64_t before = s->work;
        if (!step_round(s))
            return SIM_FAULTED;
        (void)sim_spend(s, sim_effort_of(s, 1 + s->work - before));
    }
    return sim_end_of(s);
}

enum sim_end sim_run(struct sim *s)
{
    resume_paused(s);
    return advance(s, UINT64_MAX, UINT64_MAX);
}

enum sim_end sim_run_for(struct sim *s, uint64_t effort)
{
    if (!sim_any_running(s))
        resume_paused(s);
    return advance(s, UINT64_MAX, effort);
}

enum sim_end sim_step(struct sim *s, uint64_t rounds)
{
    if (!sim_any_running(s))
        resume_paused(s);
    return advance(s, rounds, UINT64_MAX);
}

/* Places a fault: the slot's engine, and its index among that engine's slots. */
static void place(struct sim_fault *f, const struct prog *p, uint32_t slot)
{
    f->engine = ISA_ENGINES;
    if (slot == UINT32_MAX)
        return;
    const struct prog_span groups = prog_groups(p, (uint32_t)f->pc);
    for (uint32_t g = groups.begin; g < groups.end; g++) {
        const struct prog_span slots = prog_slots(p, g);
        if (slot >= slots.begin && slot < slots.end) {
            f->engine = (enum isa_engine)p->groups.at[g].engine;
            f->slot = slot - slots.begin;
        }
    }
    struct text t = {0};
    prog_slot_text(p, &p->slots.at[slot], &t);
    if (t.at)
        (void)snprintf(f->slot_text, sizeof f->slot_text, "%s", t.at);
    text_free(&t);
}

bool sim_fail(struct sim *s, uint32_t core, int64_t pc, uint32_t slot, enum sim_fault_kind kind,
              const char *format, ...)
{
    s->fault = (struct sim_fault){.kind = kind, .core = core, .cycle = s->cycle, .pc = pc};
    place(&s->fault, s->prog, slot);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(s->fault.what, sizeof s->fault.what, format, args);
    va_end(args);
    s->cores[core].pc = pc;
    return false;
}

void sim_fault_text(const struct sim *s, struct text *out)
{
    const struct sim_fault *f = &s->fault;
    text_addf(out, "%s: core %u, cycle %llu, bundle %lld", sim_fault_name(f->kind), f->core,
              (unsigned long long)f->cycle, (long long)f->pc);
    if (f->engine != ISA_ENGINES)
        text_addf(out, ", %s slot %u `%s`", isa_engine_name(f->engine), f->slot, f->slot_text);
    text_addf(out, ": %s", f->what);
}
