/* Every kernel, variant and contract on random machines and sizes: built and right, or refused with a reason.
 * Nothing faults. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernel.h"
#include "sim/base/random.h"

struct tally {
    uint64_t right, refused, wrong;
};

static uint32_t pick(struct rng *r, const uint32_t *list, uint32_t n)
{
    return list[rng_below(r, n)];
}

static struct isa_machine draw_machine(struct rng *r)
{
    static const uint32_t lanes[] = {1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 12, 16, 24, 32, 33, 64};
    static const uint32_t scratch[] = {40, 200, 600, 1000, 1536, 1536, 1536, 2500, 6000, 20000};
    struct isa_machine m = isa_default_machine();
    m.vlen = pick(r, lanes, 16);
    m.scratch = pick(r, scratch, 10);
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        m.slots[e] = rng_below(r, 4) ? m.slots[e] : rng_below(r, 12) ? 1 + rng_below(r, 8) : 0;
        m.latency[e] = rng_below(r, 8) ? 1 : 1 + rng_below(r, 4);
    }
    m.cores = rng_below(r, 12) ? 1 : 1 + rng_below(r, 3);
    return m;
}

/* Small sizes mostly: of the range's lower end, or what is usual. */
static struct kern_params draw_params(struct rng *r, const struct kern *k)
{
    struct kern_params p = kern_defaults(k);
    for (unsigned i = 0; i < k->n_params; i++) {
        const struct kern_param *q = &k->params[i];
        const unsigned n = kern_choices(q);
        const int64_t few = 1 + (int64_t)rng_below(r, rng_below(r, 3) ? 9 : 40);
        if (n)
            p.at[i] = q->choices[rng_below(r, n)].value;
        else if (rng_below(r, 6) || q->fallback > 64)
            p.at[i] = q->low + rng_below(r, (uint32_t)(q->high - q->low < few ? q->high - q->low + 1 : few));
    }
    return p;
}

static void describe(const struct kern *k, const struct kern_variant *v, unsigned contract,
                     const struct isa_machine *m, const struct kern_params *p, uint64_t seed,
                     const char *what)
{
    struct text t = {0};
    kern_params_text(k, p, &t);
    (void)printf("%s:%s %s %s seed %" PRIu64
                 "; alu=%u,valu=%u,load=%u,store=%u,flow=%u,alu_latency=%u,valu_latency=%u,load_latency=%u,"
                 "store_latency=%u,flow_latency=%u,vlen=%u,scratch=%u,cores=%u: %s\n",
                 k->name, v->name, k->contracts[contract].name, t.at, seed, m->slots[0], m->slots[1],
                 m->slots[2], m->slots[3], m->slots[4], m->latency[0], m->latency[1], m->latency[2],
                 m->latency[3], m->latency[4], m->vlen, m->scratch, m->cores, what);
    text_free(&t);
}

/* Why not, or NULL when memory is right at the end. */
static const char *run(const struct kern_instance *p, const struct kern_programs *s,
                       const struct isa_machine *m)
{
    static char why[400];
    const char *bad = NULL;
    uint32_t *mem = malloc(p->words * sizeof *mem + 1);
    if (!mem)
        return "out of memory";
    memcpy(mem, p->image, p->words * sizeof *mem);
    for (size_t i = 0; i < s->list.n && !bad; i++) {
        struct sim_config config = sim_default_config();
        struct sim *sim;
        struct diag d;
        config.machine = *m;
        if (sim_create(s->list.at[i].prog, &config, mem, p->words, &sim, &d) != ST_OK)
            bad = "no machine";
        else if (sim_run(sim) != SIM_STOPPED) {
            struct text t = {0};
            sim_fault_text(sim, &t);
            (void)snprintf(why, sizeof why, "%s", t.at ? t.at : "a fault");
            text_free(&t);
            bad = why;
        } else
            memcpy(mem, sim->mem, p->words * sizeof *mem);
        sim_destroy(sim);
    }
    struct kern_wrong wrong;
    if (!bad && kern_first_wrong(p, mem, &wrong)) {
        (void)snprintf(why, sizeof why, "%s[%u] is %u, expected %u", wrong.array, wrong.index, wrong.found,
                       wrong.expected);
        bad = why;
    }
    free(mem);
    return bad;
}

/* Words that speak of the builder's inside: no reason that a user can do something about. */
static bool is_internal(const char *text)
{
    static const char *const words[] = {
        "outside its block",
        "assert",
        "has no place",
        "objected",
    };
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(text, words[i]))
            return true;
    return false;
}

static void one(const struct kern *k, const struct kern_variant *v, unsigned contract, uint64_t seed,
                bool verbose, struct tally *t)
{
    struct rng r = {seed};
    struct kern_request rq = {.contract = contract};
    rq.params = draw_params(&r, k);
    rq.machine = draw_machine(&r);
    rq.effort = rng_below(&r, 10) ? KERN_QUICK : KERN_NORMAL;
    struct kern_instance *p = NULL;
    struct kern_programs s = {{0}};
    struct diag d;
    if (k->validate(&rq.params, contract))
        return;
    enum status status = kern_build(k, v, &rq, &s, &d);
    const char *bad = NULL;
    if (status != ST_OK) {
        const bool reason = (status == ST_INPUT || status == ST_LIMIT) && d.text[0] && !is_internal(d.text);
        bad = reason ? NULL : d.text;
        t->refused += reason;
        if (verbose && reason)
            describe(k, v, contract, &rq.machine, &rq.params, seed, d.text);
    } else if (kern_instance_create(k, &rq.params, contract, seed, &p, &d) == ST_OK) {
        bad = run(p, &s, &rq.machine);
        t->right += !bad;
    }
    if (bad) {
        describe(k, v, contract, &rq.machine, &rq.params, seed, bad);
        t->wrong++;
    }
    kern_instance_destroy(p);
    kern_programs_free(&s);
}

int main(int argc, char **argv)
{
    uint64_t cases = 500, seed = 1, verbose = 0, passed = 0, failed = 0;
    const char *only = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t *to = strcmp(argv[i], "--cases") == 0     ? &cases
                       : strcmp(argv[i], "--seed") == 0    ? &seed
                       : strcmp(argv[i], "--verbose") == 0 ? &verbose
                                                           : NULL;
        if (to)
            *to = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--kernel") == 0)
            only = argv[i + 1];
        else
            argc = 0;
    }
    if (argc % 2 == 0) {
        (void)fprintf(stderr, "usage: machines [--cases N] [--seed S] [--kernel NAME] [--verbose 1]\n");
        return 2;
    }
    const struct kern *k;
    (void)printf("%-10s %-12s %-8s %8s %8s %8s\n", "kernel", "variant", "contract", "right", "refused",
                 "wrong");
    for (unsigned i = 0; (k = kern_at(i)); i++)
        for (unsigned v = 0; v < k->n_variants && (!only || strcmp(only, k->name) == 0); v++)
            for (unsigned c = 0; c < k->n_contracts; c++) {
                struct tally t = {0};
                for (uint64_t n = 0; t.right + t.refused + t.wrong < cases && n < 20 * cases; n++)
                    one(k, &k->variants[v], c, seed * 1000000 + n, verbose != 0, &t);
                (void)printf("%-10s %-12s %-8s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 "\n", k->name,
                             k->variants[v].name, k->contracts[c].name, t.right, t.refused, t.wrong);
                passed += t.right + t.refused;
                failed += t.wrong;
            }
    (void)printf("%" PRIu64 " passed, %" PRIu64 " failed\n", passed, failed);
    return failed != 0;
}
