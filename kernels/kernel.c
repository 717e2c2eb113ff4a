#include "kernels/kernel.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/moe_sort/moe_sort.h"
#include "kernels/pq_index/pq_index.h"
#include "kernels/tree_hash/tree_hash.h"
#include "kernels/tuned.h"

static const struct kern *const kernels[] = {&tree_hash, &pq_index, &moe_sort};

const struct kern *kern_at(unsigned i)
{
    return i < sizeof kernels / sizeof *kernels ? kernels[i] : NULL;
}

static bool same(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

const struct kern *kern_find(const char *name, size_t length)
{
    const struct kern *k;
    for (unsigned i = 0; (k = kern_at(i)); i++)
        if (same(k->name, name, length))
            return k;
    return NULL;
}

const struct kern_variant *kern_find_variant(const struct kern *k, const char *name)
{
    for (unsigned i = 0; i < k->n_variants; i++)
        if (strcmp(k->variants[i].name, name) == 0)
            return &k->variants[i];
    return NULL;
}

unsigned kern_find_contract(const struct kern *k, const char *name)
{
    unsigned i = 0;
    while (i < k->n_contracts && strcmp(k->contracts[i].name, name) != 0)
        i++;
    return i;
}

unsigned kern_default_contract(const struct kern *k, const struct kern_params *params)
{
    for (unsigned c = 0; c < k->n_contracts; c++)
        if (!k->validate(params, c))
            return c;
    return 0;
}

unsigned kern_shape(const struct kern *k)
{
    unsigned i = 0;
    while (i < k->n_params && strcmp(k->params[i].name, "shape") != 0)
        i++;
    return i;
}

unsigned kern_choices(const struct kern_param *p)
{
    unsigned n = 0;
    while (p->choices && p->choices[n].name)
        n++;
    return n;
}

const char *kern_choice_name(const struct kern_param *p, int64_t value)
{
    for (const struct kern_choice *c = p->choices; c && c->name; c++)
        if (c->value == value)
            return c->name;
    return NULL;
}

struct kern_params kern_defaults(const struct kern *k)
{
    struct kern_params params = {{0}};
    for (unsigned i = 0; i < k->n_params; i++)
        params.at[i] = k->params[i].fallback;
    return params;
}

enum status kern_instance_create(const struct kern *k, const struct kern_params *params, unsigned contract,
                                 uint64_t seed, struct kern_instance **out, struct diag *d)
{
    return kern_instance_create_by(k, params, contract, seed, NULL, out, d);
}

enum status kern_instance_create_by(const struct kern *k, const struct kern_params *params, unsigned contract,
                                    uint64_t seed, const struct deadline *deadline,
                                    struct kern_instance **out, struct diag *d)
{
    *out = NULL;
    const char *why = k->validate(params, contract);
    if (why)
        return diag_set(d, ST_INPUT, "%s: %s", k->name, why);
    struct kern_instance *p = calloc(1, sizeof *p);
    if (!p)
        return diag_set(d, ST_NOMEM, "out of memory for the instance");
    p->kernel = k;
    p->params = *params;
    p->contract = contract;
    p->seed = seed;
    k->layout(p);
    p->image = calloc(p->words, sizeof *p->image);
    p->expected = calloc(p->words, sizeof *p->expected);
    if (!p->image || !p->expected) {
        const enum status status = diag_set(d, ST_NOMEM, "out of memory for an image of %u words", p->words);
        kern_instance_destroy(p);
        return status;
    }
    k->draw(p);
    memcpy(p->expected, p->image, p->words * sizeof *p->image);
    if (!k->reference(params, p->expected, deadline)) {
        kern_instance_destroy(p);
        return diag_set(d, ST_LIMIT, "no time is left for the reference");
    }
    k->compare(p);
    *out = p;
    return ST_OK;
}

void kern_instance_destroy(struct kern_instance *p)
{
    if (!p)
        return;
    free(p->image);
    free(p->expected);
    free(p);
}

bool kern_first_wrong(const struct kern_instance *p, const uint32_t *mem, struct kern_wrong *out)
{
    for (unsigned i = 0; i < p->n_arrays; i++) {
        const struct kern_array *a = &p->arrays[i];
        for (uint32_t w = 0; w < a->compared; w++) {
            const uint32_t at = a->first + w;
            if (mem[at] != p->expected[at]) {
                *out = (struct kern_wrong){a->name, w, mem[at], p->expected[at]};
                return true;
            }
        }
    }
    return false;
}

void kern_facts(const struct kern_instance *p, struct kern_facts *out)
{
    out->n = 0;
    p->kernel->facts(p, out);
}

enum status kern_values(const struct kern_instance *p, struct kern_values *out, struct diag *d)
{
    *out = (struct kern_values){0};
    if (!p->kernel->values || p->kernel->values(p, out))
        return ST_OK;
    kern_values_free(out);
    return diag_set(d, ST_NOMEM, "out of memory for the values of debug compares");
}

void kern_values_free(struct kern_values *v)
{
    vec_free(&v->list);
    arena_free(&v->arena);
}

enum status kern_build(const struct kern *k, const struct kern_variant *v, const struct kern_request *rq,
                       struct kern_programs *out, struct diag *d)
{
    *out = (struct kern_programs){0};
    const char *why = k->validate(&rq->params, rq->contract);
    if (why)
        return diag_set(d, ST_INPUT, "%s: %s", k->name, why);
    why = isa_machine_validate(&rq->machine);
    if (why)
        return diag_set(d, ST_INPUT, "machine: %s", why);
    struct diag inner = {0};
    const enum status status = v->make ? tuned_build(k, v, rq, out, &inner) : v->build(rq, out, &inner);
    if (status == ST_OK)
        return ST_OK;
    kern_programs_free(out);
    return diag_set(d, status, "%s:%s: %s", k->name, v->name, inner.text);
}

enum status kern_program_add(struct kern_programs *s, const char *name, struct prog *prog,
                             const struct ir *ir, struct diag *d)
{
    struct kern_program stage = {.name = name, .prog = prog};
    struct sched_graph p;
    bool good = true;
    if (ir && ir->regions.n == 1) {
        good = sched_graph_init(&p, ir, 0);
        if (good) {
            good = bound_region(&p, &stage.bound);
            sched_graph_free(&p);
        }
    }
    if (good && vec_push(&s->list, stage))
        return ST_OK;
    prog_destroy(prog);
    return diag_set(d, ST_NOMEM, "out of memory for the program");
}

void kern_programs_free(struct kern_programs *s)
{
    for (size_t i = 0; i < s->list.n; i++)
        prog_destroy(s->list.at[i].prog);
    vec_free(&s->list);
}
