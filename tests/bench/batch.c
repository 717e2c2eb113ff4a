/* What an instance costs in a batch of 256, against a machine of its own:
 *
 *   step, fast   one machine, each of the memories in turn: reset and run
 *   batch        reset and run of the batch
 *   C            the limit: the same operations as straight C, a loop over a tile's
 *                instances for each slot (emit.h), compiled by $CC -O3 -march=native; from
 *                rows that are laid out already, and without any check
 *
 * on the dense program of dense.h, once around, and on tree_hash:best, each instance
 * with a memory of its own. Memories are compared with what fast leaves. Processor time,
 * medians of several runs.
 *
 * usage: batch [--runs N] [--instances N] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernel.h"
#include "sim/engine/batch.h"
#include "sim/engine/batch_frame.h"
#include "tests/bench/clock.h"
#include "tests/bench/dense.h"
#include "tests/bench/emit.h"

enum { MAX_RUNS = 101, STEP_INSTANCES = 4 };

struct load {
    const char *name;
    const struct prog *prog;
    uint32_t *mems;
    size_t words; /* of one memory */
    uint32_t instances;
    unsigned runs;
};

static void *need(void *p)
{
    if (!p) {
        (void)fprintf(stderr, "batch: out of memory\n");
        exit(2);
    }
    return p;
}

static void expect(enum status status, const struct diag *d)
{
    if (status != ST_OK) {
        (void)fprintf(stderr, "batch: %s\n", d->text);
        exit(2);
    }
}

static double median(double *list, unsigned n)
{
    qsort(list, n, sizeof *list, by_value);
    return list[n / 2];
}

static struct sim_config config_of(enum sim_simulator simulator)
{
    struct sim_config config = sim_default_config();
    config.simulator = simulator;
    config.debug = false;
    return config;
}

/* Seconds an instance; what it leaves in memory goes to `out` if that is not NULL. */
static double time_machine(const struct load *l, enum sim_simulator simulator, uint32_t instances,
                           uint32_t *out)
{
    const struct sim_config config = config_of(simulator);
    struct sim *s;
    struct diag d;
    double seconds[MAX_RUNS];
    expect(sim_create(l->prog, &config, l->mems, l->words, &s, &d), &d);
    for (unsigned run = 0; run < l->runs; run++) {
        double sum = 0;
        for (uint32_t i = 0; i < instances; i++) {
            const double start = now();
            sim_reset(s, l->mems + i * l->words);
            (void)sim_run(s);
            sum += now() - start;
            if (out)
                memcpy(out + i * l->words, s->mem, l->words * sizeof *out);
        }
        seconds[run] = sum / instances;
    }
    sim_destroy(s);
    return median(seconds, l->runs);
}

static double time_batch(const struct load *l, const uint32_t *expected)
{
    const struct sim_config config = config_of(SIM_FAST);
    struct sim_batch *b;
    struct diag d;
    double seconds[MAX_RUNS];
    expect(batch_create(l->prog, &config, l->mems, l->words, l->instances, &b, &d), &d);
    for (unsigned run = 0; run < l->runs; run++) {
        const double start = now();
        batch_reset(b, l->mems);
        batch_run(b);
        seconds[run] = (now() - start) / l->instances;
    }
    for (uint32_t i = 0; i < l->instances; i++)
        if (memcmp(batch_state(b, i)->mem, expected + i * l->words, l->words * sizeof *expected) != 0) {
            (void)fprintf(stderr, "batch: %s: instance %u differs from fast\n", l->name, i);
            exit(1);
        }
    batch_destroy(b);
    return median(seconds, l->runs);
}

/* Tiles of the first instances, as many as are full. */
static double time_c(const struct load *l, const uint32_t *expected)
{
    const size_t scratch = ((size_t)l->prog->machine.scratch + EMIT_SPARE) * BATCH_LANES;
    uint32_t *rows = need(aligned_alloc(64, (scratch + l->words * BATCH_LANES) * sizeof *rows));
    uint32_t *left = need(malloc(l->words * BATCH_LANES * sizeof *left)), *to[BATCH_LANES];
    const struct sim_config config = config_of(SIM_FAST);
    struct emit_code code = emit_compile(l->prog, &config, l->words);
    double seconds[MAX_RUNS];
    for (unsigned run = 0; run < l->runs; run++) {
        double sum = 0;
        uint32_t n = 0;
        for (; n + BATCH_LANES <= l->instances; n += BATCH_LANES) {
            const uint32_t *from[BATCH_LANES];
            for (unsigned t = 0; t < BATCH_LANES; t++) {
                from[t] = l->mems + (n + t) * l->words;
                to[t] = left + t * l->words;
            }
            memset(rows, 0, scratch * sizeof *rows);
            tile_in(rows + scratch, from, l->words);
            const double start = now();
            code.run(rows, rows + scratch);
            sum += now() - start;
            tile_out(rows + scratch, to, BATCH_ALL, l->words);
            if (memcmp(left, expected + n * l->words, l->words * BATCH_LANES * sizeof *left) != 0) {
                (void)fprintf(stderr, "batch: %s: the C code's memory differs from fast\n", l->name);
                exit(1);
            }
        }
        seconds[run] = n ? sum / n : 0;
    }
    emit_release(&code);
    free(rows);
    free(left);
    return median(seconds, l->runs);
}

static void print(const struct load *l, const char *what, double seconds, double fast)
{
    (void)printf("%-10s %-6s %12.2f %12.1f %10.2f\n", l->name, what, 1e6 * seconds,
                 (double)l->prog->slots.n / seconds / 1e6, fast / seconds);
}

static void measure(const struct load *l)
{
    uint32_t *expected = need(malloc(l->instances * l->words * sizeof *expected + 1));
    const uint32_t few = l->instances < STEP_INSTANCES ? l->instances : STEP_INSTANCES;
    const double step = time_machine(l, SIM_STEP, few, NULL);
    const double fast = time_machine(l, SIM_FAST, l->instances, expected);
    const double batch = time_batch(l, expected);
    print(l, "step", step, fast);
    print(l, "fast", fast, fast);
    print(l, "batch", batch, fast);
    if (l->instances >= BATCH_LANES) {
        const double c = time_c(l, expected);
        print(l, "C", c, fast);
        (void)printf("%s: C takes %.2f of batch's time\n", l->name, c / batch);
    }
    free(expected);
}

static void bench_dense(uint32_t instances, unsigned runs)
{
    struct prog *p = dense_program(1000, 1);
    uint32_t *mems = need(malloc((size_t)instances * DENSE_WORDS * sizeof *mems));
    for (uint32_t i = 0; i < instances; i++)
        dense_memory(2 + i, mems + (size_t)i * DENSE_WORDS);
    measure(&(struct load){"dense", p, mems, DENSE_WORDS, instances, runs});
    free(mems);
    prog_destroy(p);
}

static void bench_tree(uint32_t instances, unsigned runs)
{
    const struct kern *k = kern_find("tree_hash", strlen("tree_hash"));
    const struct kern_request rq = {.params = kern_defaults(k), .machine = isa_default_machine()};
    struct kern_programs programs = {0};
    struct diag d;
    uint32_t *mems = NULL;
    size_t words = 0;
    expect(kern_build(k, kern_find_variant(k, "best"), &rq, &programs, &d), &d);
    for (uint32_t i = 0; i < instances; i++) {
        struct kern_instance *instance;
        expect(kern_instance_create(k, &rq.params, 0, 1 + i, &instance, &d), &d);
        words = instance->words;
        if (!mems)
            mems = need(malloc(instances * words * sizeof *mems));
        memcpy(mems + i * words, instance->image, words * sizeof *mems);
        kern_instance_destroy(instance);
    }
    measure(&(struct load){"tree_hash", programs.list.at[0].prog, mems, words, instances, runs});
    free(mems);
    kern_programs_free(&programs);
}

int main(int argc, char **argv)
{
    unsigned long runs = 11, instances = 256;
    for (int i = 1; i + 1 < argc; i += 2) {
        const unsigned long n = strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--runs") == 0)
            runs = n < 1 ? 1 : n > MAX_RUNS ? MAX_RUNS : n;
        else if (strcmp(argv[i], "--instances") == 0)
            instances = n < 1 ? 1 : n > 65536 ? 65536 : n;
    }
    (void)printf("program    engine  us/instance     Mslots/s    x fast   of %lu instances, %lu runs\n",
                 instances, runs);
    bench_dense((uint32_t)instances, (unsigned)runs);
    bench_tree((uint32_t)instances, (unsigned)runs);
    return 0;
}
