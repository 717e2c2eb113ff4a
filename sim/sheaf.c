/* The public interface: a thin layer over programs and the machine. */
#include "sim/sheaf.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/engine/latency.h"
#include "sim/public.h"

struct sheaf_machine {
    struct sim *sim;
};

_Static_assert((int)SHEAF_OK == (int)ST_OK && (int)SHEAF_NO_MEMORY == (int)ST_NOMEM &&
                   (int)SHEAF_IO == (int)ST_IO && (int)SHEAF_INPUT == (int)ST_INPUT &&
                   (int)SHEAF_LIMIT == (int)ST_LIMIT,
               "statuses are passed on by number");
_Static_assert((int)SHEAF_STEP == (int)SIM_STEP && (int)SHEAF_FAST == (int)SIM_FAST, "so are engines");
_Static_assert((int)SHEAF_STOPPED == (int)SIM_STOPPED && (int)SHEAF_PAUSED == (int)SIM_PAUSED &&
                   (int)SHEAF_FAULTED == (int)SIM_FAULTED && (int)SHEAF_MORE == (int)SIM_MORE,
               "and the ends of a run");
_Static_assert((int)SHEAF_EXPECT_UNKNOWN == (int)EXPECT_UNKNOWN &&
                   (int)SHEAF_EXPECT_WORD == (int)EXPECT_WORD && (int)SHEAF_EXPECT_OTHER == (int)EXPECT_OTHER,
               "what compares expect");
_Static_assert((int)SHEAF_CORE_RUNNING == (int)CORE_RUNNING && (int)SHEAF_CORE_PAUSED == (int)CORE_PAUSED &&
                   (int)SHEAF_CORE_STOPPED == (int)CORE_STOPPED,
               "and the states of a core");
_Static_assert((int)SHEAF_ALU == (int)ENGINE_ALU && (int)SHEAF_VALU == (int)ENGINE_VALU &&
                   (int)SHEAF_LOAD == (int)ENGINE_LOAD && (int)SHEAF_STORE == (int)ENGINE_STORE &&
                   (int)SHEAF_FLOW == (int)ENGINE_FLOW && (int)SHEAF_ENGINES == (int)ENGINE_DEBUG,
               "and the kinds of slot");

const char *sheaf_version(void)
{
    return SHEAF_VERSION;
}

enum sheaf_status public_answer(enum status status, const struct diag *d, struct sheaf_error *error)
{
    if (status != ST_OK && error) {
        diag_render(d, error->text, sizeof error->text);
        error->line = d->line;
        error->column = d->column;
    }
    return (enum sheaf_status)status;
}

size_t public_text(struct text *t, char *out, size_t size)
{
    const size_t n = text_ok(t) ? t->n : 0;
    if (size) {
        const size_t kept = n < size ? n : size - 1;
        if (kept)
            memcpy(out, t->at, kept);
        out[kept] = 0;
    }
    text_free(t);
    return n;
}

static enum sheaf_status no_memory(struct sheaf_error *error)
{
    struct diag d = {0};
    return public_answer(diag_set(&d, ST_NOMEM, "out of memory"), &d, error);
}

enum sheaf_status public_program(struct prog *prog, struct sheaf_program **out)
{
    *out = malloc(sizeof **out);
    if (!*out) {
        prog_destroy(prog);
        return SHEAF_NO_MEMORY;
    }
    (*out)->prog = prog;
    return SHEAF_OK;
}

/* Wraps what a reader returned. */
static enum sheaf_status adopt(enum status status, struct prog *prog, const struct diag *d,
                               struct sheaf_program **out, struct sheaf_error *error)
{
    if (status != ST_OK)
        return public_answer(status, d, error);
    return public_program(prog, out) == SHEAF_OK ? SHEAF_OK : no_memory(error);
}

enum sheaf_status sheaf_program_load(const char *path, struct sheaf_program **out, struct sheaf_error *error)
{
    struct diag d = {0};
    struct prog *p = NULL;
    *out = NULL;
    const enum status status = prog_load(path, &p, &d);
    return adopt(status, p, &d, out, error);
}

enum sheaf_status sheaf_program_parse_json(const char *text, size_t size, const char *name,
                                           struct sheaf_program **out, struct sheaf_error *error)
{
    struct diag d = {0};
    struct prog *p = NULL;
    *out = NULL;
    const enum status status = prog_read_json(text, size, name, &p, &d);
    return adopt(status, p, &d, out, error);
}

enum sheaf_status sheaf_program_parse_asm(const char *text, size_t size, const char *name,
                                          struct sheaf_program **out, struct sheaf_error *error)
{
    struct diag d = {0};
    struct prog *p = NULL;
    *out = NULL;
    const enum status status = prog_read_asm(text, size, name, &p, &d);
    return adopt(status, p, &d, out, error);
}

enum sheaf_status sheaf_program_save(const struct sheaf_program *program, const char *path,
                                     struct sheaf_error *error)
{
    struct diag d = {0};
    struct text t = {0};
    const size_t n = strlen(path);
    if (n > 2 && strcmp(path + n - 2, ".s") == 0)
        prog_write_asm(program->prog, &t);
    else
        prog_write_json(program->prog, &t);
    const enum sheaf_status status =
        text_ok(&t) ? public_answer(file_write(path, t.at, t.n, &d), &d, error) : no_memory(error);
    text_free(&t);
    return status;
}

size_t sheaf_program_json(const struct sheaf_program *program, char *text, size_t size)
{
    struct text t = {0};
    prog_write_json(program->prog, &t);
    return public_text(&t, text, size);
}

size_t sheaf_program_bundles(const struct sheaf_program *program)
{
    return program->prog->bundles.n;
}

const char *sheaf_program_text(const struct sheaf_program *program, size_t i)
{
    return i < program->prog->texts.n ? program->prog->texts.at[i] : NULL;
}

void sheaf_program_destroy(struct sheaf_program *program)
{
    if (!program)
        return;
    prog_destroy(program->prog);
    free(program);
}

void sheaf_config_init(struct sheaf_config *config, size_t size)
{
    const struct sim_config from = sim_default_config();
    const struct sheaf_config defaults = {
        .size = size,
        .simulator = (enum sheaf_simulator)from.simulator,
        .cycle_limit = from.cycle_limit,
        .trace_limit = from.trace_limit,
    };
    memset(config, 0, size);
    memcpy(config, &defaults, size < sizeof defaults ? size : sizeof defaults);
}

static uint32_t given_or(uint32_t given, uint32_t fallback)
{
    return given ? given : fallback;
}

/* The values as the machine wants them; NULL when out of memory. */
static struct sim_value *copy_values(const struct sheaf_config *c)
{
    struct sim_value *values = calloc(c->n_values + 1, sizeof *values);
    for (size_t i = 0; values && i < c->n_values; i++)
        values[i] = (struct sim_value){c->values[i].key, c->values[i].value};
    return values;
}

struct isa_machine public_machine(const struct sheaf_config *c, const struct isa_machine *machine)
{
    struct isa_machine to = *machine;
    for (unsigned e = 0; e < SHEAF_ENGINES; e++) {
        to.slots[e] = given_or(c->slots[e], machine->slots[e]);
        to.latency[e] = given_or(c->latency[e], machine->latency[e]);
    }
    to.vlen = given_or(c->vlen, machine->vlen);
    to.scratch = given_or(c->scratch, machine->scratch);
    to.cores = given_or(c->cores, machine->cores);
    return to;
}

static struct sim_config sim_config_from(const struct sheaf_config *c, const struct isa_machine *shape)
{
    return (struct sim_config){
        .machine = *shape,
        .simulator = (enum sim_simulator)c->simulator,
        .pause = c->pause,
        .debug = c->debug,
        .strict = c->strict,
        .cycle_limit = c->cycle_limit,
        .round_limit = c->round_limit,
        .work_limit = c->work_limit,
        .trace_limit = c->trace_limit,
        .n_values = c->n_values,
    };
}

/* A caller built against another version knows a shorter or a longer struct. */
struct sheaf_config public_config(const struct sheaf_config *given)
{
    struct sheaf_config c = sheaf_config_default();
    if (given)
        memcpy(&c, given, given->size < sizeof c ? given->size : sizeof c);
    return c;
}

/* A machine of this shape for the program, by what the config says otherwise. */
static enum sheaf_status make_sim(const struct prog *prog, const struct isa_machine *shape,
                                  const struct sheaf_config *config, const uint32_t *memory, size_t words,
                                  struct sim **out, struct sheaf_error *error)
{
    struct diag d = {0};
    if ((unsigned)config->simulator >= SIM_SIMULATORS)
        return public_answer(diag_set(&d, ST_INPUT, "config: there is no engine %d", (int)config->simulator),
                             &d, error);
    struct sim_config to = sim_config_from(config, shape);
    struct sim_value *values = copy_values(config);
    if (!values)
        return no_memory(error);
    to.values = values;
    const enum status status = sim_create(prog, &to, memory, words, out, &d);
    free(values);
    return public_answer(status, &d, error);
}

enum sheaf_status sheaf_machine_create(const struct sheaf_program *program, const struct sheaf_config *config,
                                       const uint32_t *memory, size_t words, struct sheaf_machine **out,
                                       struct sheaf_error *error)
{
    *out = NULL;
    const struct sheaf_config c = public_config(config);
    const struct isa_machine shape = public_machine(&c, &program->prog->machine);
    struct sheaf_machine *m = malloc(sizeof *m);
    const enum sheaf_status status =
        m ? make_sim(program->prog, &shape, &c, memory, words, &m->sim, error) : no_memory(error);
    if (status == SHEAF_OK)
        *out = m;
    else
        free(m);
    return status;
}

/* The new machine takes over the old one's state, and with it the pointers callers have. */
static enum sheaf_status go_on(struct sheaf_machine *machine, const struct prog *prog,
                               const struct sheaf_config *config, struct sheaf_error *error)
{
    const struct sheaf_config c = public_config(config);
    struct sim *old = machine->sim, *s;
    const enum sheaf_status status =
        make_sim(prog, &old->config.machine, &c, old->mem, old->mem_words, &s, error);
    if (status != SHEAF_OK)
        return status;
    struct sim_core *const cores = s->cores;
    uint32_t *const mem = s->mem;
    const struct late late = *latency_state_of(s);
    *latency_state_of(s) = *latency_state_of(old);
    *latency_state_of(old) = late;
    s->cores = old->cores;
    s->mem = old->mem;
    s->cycle = old->cycle;
    s->rounds = old->rounds;
    s->work = old->work;
    s->double_writes = old->double_writes;
    s->fault = old->fault;
    old->cores = cores;
    old->mem = mem;
    sim_destroy(old);
    machine->sim = s;
    return SHEAF_OK;
}

enum sheaf_status sheaf_machine_expect(struct sheaf_machine *machine, const uint32_t *words,
                                       const uint8_t *kinds, size_t n)
{
    struct sim *s = machine->sim;
    const size_t texts = s->prog->texts.n;
    if (!s->expected && !(s->expected = calloc(texts + 1, sizeof *s->expected)))
        return SHEAF_NO_MEMORY;
    for (size_t i = 0; i < texts; i++)
        s->expected[i] = i < n ? (struct sim_expected){kinds ? kinds[i] : EXPECT_WORD, words[i]}
                               : (struct sim_expected){0};
    return SHEAF_OK;
}

enum sheaf_status sheaf_machine_change(struct sheaf_machine *machine, const struct sheaf_config *config,
                                       struct sheaf_error *error)
{
    return go_on(machine, machine->sim->prog, config, error);
}

enum sheaf_status sheaf_machine_program(struct sheaf_machine *machine, const struct sheaf_program *program,
                                        const struct sheaf_config *config, struct sheaf_error *error)
{
    return go_on(machine, program->prog, config, error);
}

/* The copy's arrays are there, of the same sizes. False when out of memory. */
static bool copy_state(struct sim *to, const struct sim *from)
{
    const struct isa_machine *m = &from->config.machine;
    for (uint32_t c = 0; c < m->cores; c++) {
        struct sim_core *core = &to->cores[c];
        const struct sim_core *of = &from->cores[c];
        memcpy(core->scratch, of->scratch, m->scratch * sizeof *core->scratch);
        core->pc = of->pc;
        core->state = of->state;
        core->loop_from = of->loop_from;
        core->loop_to = of->loop_to;
        if (!vec_reserve(&core->trace, of->trace.n))
            return false;
        if (of->trace.n)
            memcpy(core->trace.at, of->trace.at, of->trace.n * sizeof *of->trace.at);
        core->trace.n = of->trace.n;
    }
    if (from->expected) {
        const size_t size = (from->prog->texts.n + 1) * sizeof *from->expected;
        if (!(to->expected = malloc(size)))
            return false;
        memcpy(to->expected, from->expected, size);
    }
    to->cycle = from->cycle;
    to->rounds = from->rounds;
    to->work = from->work;
    to->double_writes = from->double_writes;
    to->fault = from->fault;
    return latency_copy(latency_state_of(to), latency_state_of(from));
}

enum sheaf_status sheaf_machine_copy(const struct sheaf_machine *machine, struct sheaf_machine **out,
                                     struct sheaf_error *error)
{
    const struct sim *of = machine->sim;
    struct diag d = {0};
    *out = NULL;
    struct sheaf_machine *m = calloc(1, sizeof *m);
    if (!m)
        return no_memory(error);
    const enum status status = sim_create(of->prog, &of->config, of->mem, of->mem_words, &m->sim, &d);
    if (status == ST_OK && copy_state(m->sim, of)) {
        *out = m;
        return SHEAF_OK;
    }
    sheaf_machine_destroy(m);
    return status == ST_OK ? no_memory(error) : public_answer(status, &d, error);
}

void sheaf_machine_reset(struct sheaf_machine *machine, const uint32_t *memory)
{
    sim_reset(machine->sim, memory);
}

void sheaf_machine_destroy(struct sheaf_machine *machine)
{
    if (!machine)
        return;
    sim_destroy(machine->sim);
    free(machine);
}

enum sheaf_end sheaf_run(struct sheaf_machine *machine)
{
    return (enum sheaf_end)sim_run(machine->sim);
}

enum sheaf_end sheaf_run_some(struct sheaf_machine *machine)
{
    return (enum sheaf_end)sim_run_for(machine->sim, 8 * (uint64_t)SIM_SLICE);
}

enum sheaf_end sheaf_step(struct sheaf_machine *machine, uint64_t rounds)
{
    return (enum sheaf_end)sim_step(machine->sim, rounds);
}

uint64_t sheaf_cycle(const struct sheaf_machine *machine)
{
    return machine->sim->cycle;
}

uint64_t sheaf_double_writes(const struct sheaf_machine *machine)
{
    return machine->sim->double_writes;
}

static void tell(size_t *to, size_t n)
{
    if (to)
        *to = n;
}

uint32_t *sheaf_memory(struct sheaf_machine *machine, size_t *words)
{
    tell(words, machine->sim->mem_words);
    return machine->sim->mem;
}

uint32_t sheaf_cores(const struct sheaf_machine *machine)
{
    return machine->sim->config.machine.cores;
}

static const struct sim_core *core_of(const struct sheaf_machine *machine, uint32_t core)
{
    return core < sheaf_cores(machine) ? &machine->sim->cores[core] : NULL;
}

uint32_t *sheaf_scratch(struct sheaf_machine *machine, uint32_t core, size_t *words)
{
    const struct sim_core *c = core_of(machine, core);
    tell(words, c ? machine->sim->config.machine.scratch : 0);
    return c ? c->scratch : NULL;
}

int64_t sheaf_pc(const struct sheaf_machine *machine, uint32_t core)
{
    const struct sim_core *c = core_of(machine, core);
    return c ? c->pc : -1;
}

enum sheaf_state sheaf_core_state(const struct sheaf_machine *machine, uint32_t core)
{
    const struct sim_core *c = core_of(machine, core);
    return c ? (enum sheaf_state)c->state : SHEAF_CORE_STOPPED;
}

const uint32_t *sheaf_trace(const struct sheaf_machine *machine, uint32_t core, size_t *words)
{
    const struct sim_core *c = core_of(machine, core);
    tell(words, c ? c->trace.n : 0);
    return c ? c->trace.at : NULL;
}

bool sheaf_fault(const struct sheaf_machine *machine, struct sheaf_fault *out)
{
    const struct sim_fault *f = &machine->sim->fault;
    if (f->kind == FAULT_NONE)
        return false;
    if (out)
        *out = (struct sheaf_fault){
            .kind = sim_fault_name(f->kind),
            .core = f->core,
            .cycle = f->cycle,
            .pc = f->pc,
            .engine = f->engine == ISA_ENGINES ? NULL : isa_engine_name(f->engine),
            .slot = f->slot,
            .slot_text = f->slot_text,
            .what = f->what,
        };
    return true;
}

size_t sheaf_fault_text(const struct sheaf_machine *machine, char *text, size_t size)
{
    struct text t = {0};
    if (machine->sim->fault.kind != FAULT_NONE)
        sim_fault_text(machine->sim, &t);
    return public_text(&t, text, size);
}
