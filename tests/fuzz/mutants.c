/* Does a judgement notice programs that are nearly right? Right programs with one slot changed (its
 * operation, an operand, its constant; dropped; changed places with another) run on many inputs. Those that
 * are wrong on any must fail every judgement.
 *
 *     program ──> mutants ──> inputs in hundreds ──> wrong on one? ──> judgements with seeds of their own ──>
 * survivors
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/judge/judge.h"
#include "sim/base/random.h"

enum { CHUNK = 100, FIRST = 8, SLOT_TEXT = 80, MAX_THREADS = 64 };

struct mutant {
    struct prog *prog;
    const char *how;
    uint32_t slot;
    char before[SLOT_TEXT]; /* the slot, as it was */
    char after[SLOT_TEXT];  /* and as it is */
    bool wrong;             /* on some input */
    unsigned survived;      /* judgements */
};

struct options {
    const char *kernel, *variant;
    uint64_t mutants, inputs, judgements, seed, threads;
    uint64_t accepted; /* survivors */
    uint64_t shapes;   /* not 0: say which shapes find a survivor */
};

/* What threads share: each takes the next mutant. */
struct work {
    struct mutant *mutants;
    size_t n;
    atomic_size_t next;
    const struct judge_rules *rules;
    const struct judge_inputs *inputs;
    bool judging; /* else looking for one wrong input, where none was found yet */
};

static void *must(void *p)
{
    if (!p) {
        (void)fprintf(stderr, "mutants: out of memory\n");
        exit(2);
    }
    return p;
}

static void expect(enum status status, const struct diag *d)
{
    if (status != ST_OK) {
        (void)fprintf(stderr, "mutants: %s\n", d->text);
        exit(2);
    }
}

/* --- mutations ------------------------------------------------------------------------ */

/* Another operation on the same engine with the same operands; the same one where there is none. */
static enum isa_op another(struct rng *r, enum isa_op op)
{
    const struct isa_info *is = isa_info(op);
    enum isa_op found = op;
    uint32_t n = 0;
    for (unsigned i = 0; i < ISA_OPS; i++) {
        const struct isa_info *other = isa_info((enum isa_op)i);
        if (i != op && other->engine == is->engine && memcmp(other->role, is->role, sizeof is->role) == 0 &&
            rng_below(r, ++n) == 0)
            found = (enum isa_op)i;
    }
    return found;
}

static uint32_t random_arg(struct rng *r, const struct isa_slot *s)
{
    const struct isa_info *is = isa_info((enum isa_op)s->op);
    uint32_t n = 0, found = ISA_MAX_ARGS;
    for (uint32_t i = 0; i < is->args; i++)
        if (isa_role_is_address(is->role[i]) && rng_below(r, ++n) == 0)
            found = i;
    return found;
}

static bool has_literal(const struct isa_slot *s)
{
    const struct isa_info *is = isa_info((enum isa_op)s->op);
    for (unsigned i = 0; i < is->args; i++)
        if (is->role[i] == ROLE_LITERAL)
            return true;
    return false;
}

static bool same_slot(const struct isa_slot *a, const struct isa_slot *b)
{
    return a->op == b->op && a->engine == b->engine && a->literal == b->literal &&
           memcmp(a->arg, b->arg, sizeof a->arg) == 0;
}

/* Changes one slot; NULL when it is as it was. */
static const char *mutate(struct rng *r, struct prog *p, uint32_t slot)
{
    struct isa_slot *s = &p->slots.at[slot];
    const struct isa_slot before = *s;
    const uint32_t arg = random_arg(r, s), vlen = p->machine.vlen;
    const char *how = NULL;
    switch (rng_below(r, 5)) {
    case 0:
        how = "operation";
        s->op = (uint8_t)another(r, (enum isa_op)s->op);
        break;
    case 1:
        how = "operand";
        if (arg < ISA_MAX_ARGS) {
            const int32_t steps[] = {1, -1, (int32_t)vlen, -(int32_t)vlen};
            s->arg[arg] = rng_below(r, 2) ? (int32_t)rng_below(r, p->machine.scratch)
                                          : s->arg[arg] + steps[rng_below(r, 4)];
        }
        break;
    case 2:
        how = "constant";
        if (has_literal(s))
            s->literal = rng_below(r, 2) ? s->literal + 1 - 2 * (int64_t)rng_below(r, 2)
                                         : s->literal ^ (int64_t)1 << rng_below(r, 32);
        break;
    case 3:
        how = "dropped";
        *s = (struct isa_slot){.op = OP_IGNORED, .engine = s->engine};
        break;
    default: {
        how = "swapped";
        struct isa_slot *with = &p->slots.at[rng_below(r, (uint32_t)p->slots.n)];
        if (with->engine == s->engine && !same_slot(with, s)) {
            *s = *with;
            *with = before;
        }
        break;
    }
    }
    return same_slot(s, &before) ? NULL : how;
}

static struct prog *copy(const struct text *json)
{
    struct prog *p;
    struct diag d;
    expect(prog_read_json(json->at, json->n, "program", &p, &d), &d);
    return p;
}

static void write_slot(const struct prog *p, uint32_t slot, char out[SLOT_TEXT])
{
    const struct isa_slot *s = &p->slots.at[slot];
    struct text t = {0};
    if (s->op == OP_IGNORED)
        text_add(&t, "nothing");
    else
        prog_slot_text(p, s, &t);
    (void)snprintf(out, SLOT_TEXT, "%s", text_ok(&t) ? t.at : "");
    text_free(&t);
}

static struct mutant *make(const struct options *o, const struct text *json)
{
    struct mutant *list = must(calloc(o->mutants, sizeof *list));
    for (size_t i = 0; i < o->mutants; i++) {
        struct rng r = {o->seed * 1000003 + i};
        struct mutant *m = &list[i];
        m->prog = copy(json);
        while (!m->how) {
            m->slot = rng_below(&r, (uint32_t)m->prog->slots.n);
            write_slot(m->prog, m->slot, m->before);
            m->how = mutate(&r, m->prog, m->slot);
            write_slot(m->prog, m->slot, m->after);
        }
    }
    return list;
}

/* --- judging ---------------------------------------------------------------------------- */

/* A few inputs are enough for most: what fails those fails. */
static bool passes(const struct work *w, const struct prog *p)
{
    struct judge_inputs some = *w->inputs;
    struct judge_result result = {.verdict = JUDGE_PASS};
    struct diag d;
    for (uint32_t n = some.n < FIRST ? some.n : FIRST;; n = w->inputs->n) {
        const struct deadline deadline = judge_deadline(w->rules);
        some.n = n;
        expect(judge_program(w->rules, &deadline, &some, p, &result, &d), &d);
        if (n == w->inputs->n || result.verdict != JUDGE_PASS)
            return result.verdict == JUDGE_PASS;
    }
}

static void *judge_some(void *context)
{
    struct work *w = context;
    for (size_t i; (i = atomic_fetch_add(&w->next, 1)) < w->n;) {
        struct mutant *m = &w->mutants[i];
        if (m->wrong && !w->judging)
            continue;
        const bool good = passes(w, m->prog);
        m->survived += w->judging && good;
        m->wrong = m->wrong || !good;
    }
    return NULL;
}

static void judge_all(struct mutant *mutants, const struct options *o, struct judge_rules *rules,
                      uint64_t seed, bool judging)
{
    struct judge_inputs in;
    struct diag d;
    pthread_t threads[MAX_THREADS];
    rules->seed = seed;
    expect(judge_inputs_create(rules, NULL, &in, &d), &d);
    struct work w = {mutants, o->mutants, 0, rules, &in, judging};
    for (uint64_t t = 1; t < o->threads; t++)
        if (pthread_create(&threads[t], NULL, judge_some, &w) != 0)
            exit(2);
    (void)judge_some(&w);
    for (uint64_t t = 1; t < o->threads; t++)
        (void)pthread_join(threads[t], NULL);
    judge_inputs_free(&in);
}

static struct judge_rules rules_of(const struct kern *k, uint32_t inputs)
{
    struct judge_rules rules = judge_default_rules(k);
    rules.inputs = inputs;
    rules.seeded = true;
    rules.time_limit = UINT32_MAX;
    return rules;
}

/* Of how many inputs of a hundred of each shape a survivor gets wrong: what other inputs would have found. */
static void report_shapes(const struct kern *k, const struct mutant *m)
{
    struct judge_rules rules = rules_of(k, 1);
    const unsigned shape = kern_shape(k);
    struct diag d;
    (void)printf("   ");
    for (unsigned c = 0; c < kern_choices(&k->params[shape]); c++) {
        unsigned wrong = 0;
        for (unsigned i = 0; i < 100; i++) {
            struct judge_inputs in;
            struct judge_result result;
            rules.params.at[shape] = k->params[shape].choices[c].value;
            if (shape + 1 < k->n_params)
                rules.params.at[shape + 1] = i;
            rules.seed = i;
            const struct deadline deadline = judge_deadline(&rules);
            expect(judge_inputs_create(&rules, NULL, &in, &d), &d);
            expect(judge_program(&rules, &deadline, &in, m->prog, &result, &d), &d);
            wrong += result.verdict != JUDGE_PASS;
            judge_inputs_free(&in);
        }
        if (wrong)
            (void)printf(" %s %u", k->params[shape].choices[c].name, wrong);
    }
    (void)printf("\n");
}

/* A survivor: which it is, where its slot stands and what that is for. */
static void print_survivor(const struct options *o, const struct prog *p, size_t i, const struct mutant *m)
{
    uint32_t bundle = 0;
    while (prog_bundle_slots(p, bundle).end <= m->slot)
        bundle++;
    (void)printf("  survivor %zu: bundle %u, %s `%s`, %s: `%s`; passes %u of %" PRIu64 " judgements\n", i,
                 bundle, isa_engine_name((enum isa_engine)p->slots.at[m->slot].engine), m->before, m->how,
                 m->after, m->survived, o->judgements);
    if (m->slot < p->notes.n) {
        const struct prog_note *n = &p->notes.at[m->slot];
        (void)printf("    %s, %s\n", n->stage == PROG_NO_STAGE ? "no stage" : p->stages.at[n->stage],
                     n->value ? n->value : "no name");
    }
}

/* Whether too many survive. `p` is the program that mutants were made from. */
static bool report(const struct options *o, const struct prog *p, const struct mutant *list)
{
    const struct kern *k = kern_find(o->kernel, strlen(o->kernel));
    size_t wrong = 0, survivors = 0;
    for (size_t i = 0; i < o->mutants; i++) {
        const struct mutant *m = &list[i];
        wrong += m->wrong;
        survivors += m->wrong && m->survived;
        if (m->wrong && m->survived) {
            print_survivor(o, p, i, m);
            if (o->shapes)
                report_shapes(k, m);
        }
    }
    (void)printf("%-10s %-8s %7" PRIu64 " mutants, %5zu differ on %" PRIu64
                 " inputs, %zu survive a judgement with %d\n",
                 o->kernel, o->variant, o->mutants, wrong, o->inputs, survivors, CHUNK);
    (void)printf("%zu passed, %zu failed\n", wrong - survivors, survivors > o->accepted ? survivors : 0);
    return survivors > o->accepted;
}

static int run(const struct options *o)
{
    const struct kern *k = kern_find(o->kernel, strlen(o->kernel));
    const struct kern_variant *v = k ? kern_find_variant(k, o->variant) : NULL;
    if (!v) {
        (void)fprintf(stderr, "mutants: no program %s:%s\n", o->kernel, o->variant);
        return 2;
    }
    const struct kern_request rq = {
        .params = kern_defaults(k), .machine = isa_default_machine(), .effort = KERN_NORMAL};
    struct kern_programs programs;
    struct diag d;
    struct text json = {0};
    expect(kern_build(k, v, &rq, &programs, &d), &d);
    prog_write_json(programs.list.at[0].prog, &json);
    if (programs.list.n != 1 || !text_ok(&json)) {
        (void)fprintf(stderr, "mutants: %s:%s is not one program\n", o->kernel, o->variant);
        return 2;
    }
    struct mutant *list = make(o, &json);
    struct judge_rules rules = rules_of(k, CHUNK);
    for (uint64_t i = 0; i < o->judgements; i++)
        judge_all(list, o, &rules, ((o->seed + 1) << 48) + i * 1000003, true);
    for (uint64_t i = 0; i * CHUNK < o->inputs; i++)
        judge_all(list, o, &rules, (o->seed << 32) + i * CHUNK, false);
    const int status = report(o, programs.list.at[0].prog, list);
    for (size_t i = 0; i < o->mutants; i++)
        prog_destroy(list[i].prog);
    free(list);
    text_free(&json);
    kern_programs_free(&programs);
    return status;
}

int main(int argc, char **argv)
{
    struct options o = {"tree_hash", "best", 300, 20000, 20, 1, 1, 0, 0};
    char kernel[64] = "tree_hash";
    for (int i = 1; i < argc; i += 2) {
        const struct {
            const char *name;
            uint64_t *to;
        } numbers[] = {{"--mutants", &o.mutants}, {"--inputs", &o.inputs}, {"--judgements", &o.judgements},
                       {"--seed", &o.seed},       {"-j", &o.threads},      {"--accepted", &o.accepted},
                       {"--shapes", &o.shapes}};
        unsigned n = 0;
        while (n < 7 && strcmp(argv[i], numbers[n].name) != 0)
            n++;
        if (i + 1 == argc || (n == 7 && strcmp(argv[i], "--kernel") != 0)) {
            (void)fprintf(stderr, "usage: mutants [--kernel KERNEL:VARIANT] [--mutants N] [--inputs N] "
                                  "[--judgements N] [--seed S] [-j N] [--accepted N] [--shapes 1]\n");
            return 2;
        }
        if (n < 7) {
            *numbers[n].to = strtoull(argv[i + 1], NULL, 10);
            continue;
        }
        (void)snprintf(kernel, sizeof kernel, "%s", argv[i + 1]);
        char *colon = strchr(kernel, ':');
        o.kernel = kernel;
        o.variant = colon ? colon + 1 : "";
        if (colon)
            *colon = '\0';
    }
    if (!o.mutants || !o.threads || o.threads > MAX_THREADS)
        return 2;
    return run(&o);
}
