/* How fast the simulators simulate: cycles and slots a second of each on
 *
 *   scalar  tree_hash:scalar, standard instance: one slot a bundle, straight line
 *   dense   the generated loop of dense.h
 *
 * A run is timed from a reset machine with its code predecoded. Medians of several.
 *
 * usage: bench [--runs N] [--bundles N]    (of the dense loop's body) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernel.h"
#include "sim/machine.h"
#include "tests/bench/clock.h"
#include "tests/bench/dense.h"

enum { DENSE_CYCLES = 1000000, MAX_RUNS = 101 };

struct load {
    const char *name;
    const struct prog *prog;
    const uint32_t *mem;
    size_t mem_words;
};

/* Mean slots a bundle over the program's text, as a factor from cycles to slots. */
static double slots_a_cycle(const struct load *l)
{
    uint32_t cycles = 0;
    for (uint32_t b = 0; b < l->prog->bundles.n; b++)
        cycles += prog_costs_cycle(l->prog, b);
    return cycles ? (double)l->prog->slots.n / cycles : 0;
}

static void measure(const struct load *l, enum sim_simulator simulator, unsigned runs)
{
    struct sim_config config = sim_default_config();
    config.simulator = simulator;
    config.debug = false;
    struct sim *s;
    struct diag d;
    if (sim_create(l->prog, &config, l->mem, l->mem_words, &s, &d) != ST_OK) {
        (void)fprintf(stderr, "bench: %s\n", d.text);
        exit(2);
    }
    double rate[MAX_RUNS];
    for (unsigned i = 0; i < runs; i++) {
        sim_reset(s, l->mem);
        const double start = now();
        const enum sim_end end = sim_run(s);
        rate[i] = (double)s->cycle / (now() - start) / 1e6;
        if (end != SIM_STOPPED) {
            (void)fprintf(stderr, "bench: %s did not run to its end\n", l->name);
            exit(1);
        }
    }
    qsort(rate, runs, sizeof *rate, by_value);
    const double median = rate[runs / 2];
    (void)printf("%-8s %-6s %10llu %12.1f %12.1f %9.1f .. %.1f\n", l->name, sim_simulator_name(simulator),
                 (unsigned long long)s->cycle, median, median * slots_a_cycle(l), rate[0], rate[runs - 1]);
    sim_destroy(s);
}

static void both(const struct load *l, unsigned runs)
{
    measure(l, SIM_STEP, runs < 5 ? runs : 5);
    measure(l, SIM_FAST, runs);
}

static void bench_scalar(unsigned runs)
{
    const struct kern *k = kern_find("tree_hash", strlen("tree_hash"));
    struct kern_request rq = {.params = kern_defaults(k), .machine = isa_default_machine()};
    struct kern_instance *instance;
    struct kern_programs programs = {0};
    struct diag d;
    if (kern_instance_create(k, &rq.params, 0, 1, &instance, &d) != ST_OK ||
        kern_build(k, kern_find_variant(k, "scalar"), &rq, &programs, &d) != ST_OK) {
        (void)fprintf(stderr, "bench: %s\n", d.text);
        exit(2);
    }
    const struct load l = {"scalar", programs.list.at[0].prog, instance->image, instance->words};
    both(&l, runs);
    kern_programs_free(&programs);
    kern_instance_destroy(instance);
}

static void bench_dense(unsigned runs, uint32_t bundles)
{
    struct prog *p = dense_program(bundles, 1 + DENSE_CYCLES / bundles);
    static uint32_t mem[DENSE_WORDS];
    dense_memory(2, mem);
    const struct load l = {"dense", p, mem, DENSE_WORDS};
    both(&l, runs);
    prog_destroy(p);
}

int main(int argc, char **argv)
{
    unsigned long runs = 21, bundles = 1000;
    for (int i = 1; i + 1 < argc; i += 2) {
        const unsigned long n = strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--runs") == 0)
            runs = n < 1 ? 1 : n > MAX_RUNS ? MAX_RUNS : n;
        else if (strcmp(argv[i], "--bundles") == 0)
            bundles = n < 1 ? 1 : n > 1000000 ? 1000000 : n;
    }
    (void)printf(
        "program  engine     cycles   Mcycles/s     Mslots/s   Mcycles/s, least .. most of %lu runs\n", runs);
    bench_scalar((unsigned)runs);
    bench_dense((unsigned)runs, (uint32_t)bundles);
    return 0;
}
