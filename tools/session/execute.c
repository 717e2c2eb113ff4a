#include "tools/session/execute.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/count.h"
#include "tools/report.h"

bool execute_config(const struct job *j, const struct options *o, struct sim_config *config,
                    bool *cross_check)
{
    const char *name = opt_text(o, OPT_SIMULATOR);
    *config = sim_default_config();
    /* `tandem` is what it was called before. */
    *cross_check = name && (strcmp(name, "cross-check") == 0 || strcmp(name, "tandem") == 0);
    if (name && !*cross_check)
        config->simulator = sim_find_simulator(name);
    if (config->simulator == SIM_SIMULATORS) {
        (void)tool_error("--simulator %s: expected step, fast or cross-check", name);
        return false;
    }
    config->machine = j->machine;
    if (isa_machine_waits(&j->machine))
        config->simulator = SIM_STEP; /* as the machine does: reports are to say so */
    config->pause = opt_given(o, OPT_PAUSE);
    config->strict = opt_given(o, OPT_STRICT);
    /* Without an instance nothing is known to compare with. */
    config->debug = j->instance && !opt_given(o, OPT_NO_DEBUG);
    config->values = j->values.list.at;
    config->n_values = j->values.list.n;
    return opt_number(o, OPT_CYCLE_LIMIT, UINT64_MAX - 1, config->cycle_limit, &config->cycle_limit);
}

/* Runs to the end, through all pauses; the seconds it took. */
static double run_to_end(struct sim *s)
{
    const double start = clock_now();
    while (sim_run(s) == SIM_PAUSED)
        ;
    return clock_now() - start;
}

static struct sim *run(const struct prog *p, const struct sim_config *config, const uint32_t *mem,
                       size_t words, double *seconds)
{
    struct sim *s;
    struct diag d;
    if (sim_create(p, config, mem, words, &s, &d) != ST_OK) {
        (void)tool_diag(&d);
        return NULL;
    }
    *seconds = run_to_end(s);
    return s;
}

/* The seconds of a run: of the one just done, which took `first`, or the mean of more
 * where that was short, for it has cold caches and is over before a clock can tell. */
static double measure(struct sim *s, const uint32_t *mem, double first)
{
    const double enough = 0.03, until = clock_now() + 0.1; /* a reset may take longer than a run */
    double spent = 0;
    unsigned runs = 0;
    if (first >= enough || s->fault.kind != FAULT_NONE)
        return first;
    do {
        sim_reset(s, mem);
        spent += run_to_end(s);
        runs++;
    } while (spent < enough && clock_now() < until);
    return spent / runs;
}

/* Runs it on the step simulator too. */
static bool run_beside(const struct sim *fast, const uint32_t *mem, const struct sim_config *config,
                       struct text *difference)
{
    struct sim_config other = *config;
    other.simulator = SIM_STEP;
    double seconds;
    struct sim *step = run(fast->prog, &other, mem, fast->mem_words, &seconds);
    if (step)
        cross_check(step, fast, difference);
    sim_destroy(step);
    return step != NULL;
}

/* One program on out->mem. */
static int execute_program(const struct prog *p, size_t words, const struct sim_config *config, bool both,
                           struct outcome *out)
{
    double seconds;
    struct sim *s = run(p, config, out->mem, words, &seconds);
    if (!s)
        return EXIT_USAGE;
    bool failed = both && !run_beside(s, out->mem, config, &out->difference);
    const int status = failed ? EXIT_USAGE : EXIT_FINE;
    out->seconds += measure(s, out->mem, seconds);
    if (status == EXIT_FINE)
        out->counted = count_slots(s, config, out->mem, out->slots, &failed) && out->counted;
    if (words)
        memcpy(out->mem, s->mem, words * sizeof *out->mem);
    out->cycles += s->cycle;
    out->double_writes += s->double_writes;
    out->fault = s->fault;
    if (s->fault.kind != FAULT_NONE)
        sim_fault_text(s, &out->fault_text);
    sim_destroy(s);
    if (status == EXIT_FINE && failed)
        return tool_error("out of memory for counting slots");
    return status;
}

int execute(const struct job *j, const struct sim_config *config, bool both, struct outcome *out)
{
    *out = (struct outcome){.counted = true};
    out->mem = malloc(j->mem_words * sizeof *out->mem + 1);
    if (!out->mem)
        return tool_error("out of memory for %zu words of memory", j->mem_words);
    if (j->mem_words)
        memcpy(out->mem, j->mem, j->mem_words * sizeof *out->mem);
    for (size_t i = 0; i < j->programs.list.n && out->fault.kind == FAULT_NONE; i++) {
        out->program = &j->programs.list.at[i];
        const uint64_t before = out->cycles;
        const int status = execute_program(out->program->prog, j->mem_words, config, both, out);
        if (status != EXIT_FINE)
            return status;
        if (!vec_push(&out->programs, (struct program_outcome){out->program->name, out->cycles - before}))
            return tool_error("out of memory");
    }
    if (!text_ok(&out->difference) || !text_ok(&out->fault_text))
        return tool_error("out of memory for the report");
    return EXIT_FINE;
}

void outcome_free(struct outcome *out)
{
    free(out->mem);
    vec_free(&out->programs);
    text_free(&out->fault_text);
    text_free(&out->difference);
}
