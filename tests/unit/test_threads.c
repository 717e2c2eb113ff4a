/* The library on several threads at once: a program that all of them run, machines, batches and
 * kernels of each one's own, a search that itself has threads. What comes of it is what one
 * thread gets. `make tsan` watches. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/api/sheaf_builder.h"
#include "kernels/kernel.h"
#include "kernels/tree_hash/tree_hash.h"
#include "sim/engine/batch.h"

enum { THREADS = 4, ROUNDS = 3, WORDS = 64, INSTANCES = 5 };

/* A loop over the first 16 words, with jumps, a division and stores. */
static const char source[] = "{ load: const 0, 0; const 1, 16 }\n"
                             "{ load: const 2, 1; const 3, 7 }\n"
                             "again:\n"
                             "{ load: load 4, 0 }\n"
                             "{ alu: * 5, 4, 3; + 6, 0, 1 }\n"
                             "{ alu: // 7, 5, 1 }\n"
                             "{ store: store 6, 7; alu: + 0, 0, 2 }\n"
                             "{ alu: < 8, 0, 1 }\n"
                             "{ flow: cond_jump 8, @again }\n";

/* What all threads share: never written while they run. */
struct shared {
    struct sheaf_program *program;
    struct prog *prog;
};

static void memory_of(uint32_t *m, uint32_t seed)
{
    for (uint32_t i = 0; i < WORDS; i++)
        m[i] = i * 2654435761u + seed;
}

static void tell(struct text *out, const char *what, uint64_t cycles, const uint32_t *m)
{
    text_addf(out, "%s: %llu cycles:", what, (unsigned long long)cycles);
    for (unsigned i = 0; i < WORDS; i++)
        text_addf(out, " %u", m[i]);
    text_addf(out, "\n");
}

static void run_machines(const struct shared *all, struct text *out)
{
    for (enum sheaf_simulator simulator = SHEAF_STEP; simulator <= SHEAF_FAST; simulator++) {
        uint32_t m[WORDS];
        struct sheaf_config config = sheaf_config_default();
        struct sheaf_machine *machine;
        memory_of(m, simulator);
        config.simulator = simulator;
        if (sheaf_machine_create(all->program, &config, m, WORDS, &machine, NULL) != SHEAF_OK)
            return;
        while (sheaf_run(machine) == SHEAF_PAUSED)
            continue;
        tell(out, "machine", sheaf_cycle(machine), sheaf_memory(machine, NULL));
        sheaf_machine_destroy(machine);
    }
}

static void run_batch(const struct shared *all, struct text *out)
{
    uint32_t mems[INSTANCES * WORDS];
    const struct sim_config config = sim_default_config();
    struct sim_batch *b;
    for (uint32_t i = 0; i < INSTANCES; i++)
        memory_of(mems + (size_t)i * WORDS, i);
    if (batch_create(all->prog, &config, mems, WORDS, INSTANCES, &b, NULL) != ST_OK)
        return;
    batch_run(b);
    for (uint32_t i = 0; i < INSTANCES; i++)
        tell(out, "instance", batch_state(b, i)->cycle, batch_state(b, i)->mem);
    batch_destroy(b);
}

static void build_own(struct text *out)
{
    uint32_t m[WORDS];
    struct sheaf_report report;
    struct sheaf_kernel *k = sheaf_kernel_create(NULL);
    memory_of(m, 1);
    const struct sheaf_reg at = sheaf_for(k, 0, 32, 8);
    const struct sheaf_reg x = sheaf_vload(k, at);
    sheaf_store(k, sheaf_offset(k, at, 32), sheaf_multiply_add(k, x, sheaf_vconst(k, 3), x));
    sheaf_end_for(k);
    if (sheaf_kernel_run(k, m, WORDS, &report, NULL) == SHEAF_OK)
        tell(out, "kernel", report.cycles, m);
    sheaf_kernel_destroy(k);
}

/* With a size that has no record: a search, on two threads. */
static void build_searched(struct text *out)
{
    struct kern_request rq = {.params = kern_defaults(&tree_hash), .machine = isa_default_machine()};
    struct kern_programs programs = {0};
    struct diag d;
    rq.params.at[TREE_HEIGHT] = 3;
    rq.params.at[TREE_ROUNDS] = 3;
    rq.params.at[TREE_BATCH] = 16;
    rq.effort = 1;
    rq.threads = 2;
    if (kern_build(&tree_hash, kern_find_variant(&tree_hash, "best"), &rq, &programs, &d) != ST_OK)
        return;
    for (size_t i = 0; i < programs.list.n; i++)
        prog_write_json(programs.list.at[i].prog, out);
    kern_programs_free(&programs);
}

static struct text everything(const struct shared *all)
{
    struct text out = {0};
    for (unsigned i = 0; i < ROUNDS; i++) {
        run_machines(all, &out);
        run_batch(all, &out);
        build_own(&out);
    }
    build_searched(&out);
    return out;
}

struct thread {
    pthread_t id;
    const struct shared *all;
    struct text out;
};

static void *work(void *of)
{
    struct thread *t = of;
    t->out = everything(t->all);
    return NULL;
}

static void as_on_one_thread(void **state)
{
    (void)state;
    struct shared all;
    struct diag d;
    struct thread thread[THREADS];
    assert_int_equal(sheaf_program_parse_asm(source, strlen(source), "source", &all.program, NULL), SHEAF_OK);
    assert_int_equal(prog_read_asm(source, strlen(source), "source", &all.prog, &d), ST_OK);
    for (unsigned i = 0; i < THREADS; i++) {
        thread[i] = (struct thread){.all = &all};
        assert_int_equal(pthread_create(&thread[i].id, NULL, work, &thread[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(thread[i].id, NULL), 0);
    struct text alone = everything(&all);
    assert_true(text_ok(&alone));
    assert_non_null(strstr(alone.at, "machine: 98 cycles"));
    assert_non_null(strstr(alone.at, "instance: 98 cycles"));
    assert_non_null(strstr(alone.at, "kernel: "));
    assert_non_null(strstr(alone.at, "\"valu\""));
    for (unsigned i = 0; i < THREADS; i++) {
        assert_string_equal(thread[i].out.at, alone.at);
        text_free(&thread[i].out);
    }
    text_free(&alone);
    prog_destroy(all.prog);
    sheaf_program_destroy(all.program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_on_one_thread)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
