/* Inputs to judge by: seeds, and data of every kind that the kernel knows. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "kernels/judge/judge.h"
#include "sim/base/random.h"

/* Of all images together. */
enum { MAX_WORDS = 1 << 26 };

/* Seeds nobody can know before. */
static bool draw_seeds(uint64_t *seeds, uint32_t n)
{
    const size_t size = n * sizeof *seeds;
    for (size_t done = 0; done < size;) {
        const ssize_t got = getrandom((char *)seeds + done, size - done, 0);
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* Sets a parameter, as far as the contract admits it. */
static void set(const struct judge_rules *r, unsigned param, int64_t value, struct kern_params *params)
{
    struct kern_params with = *params;
    with.at[param] = value;
    if (!r->kernel->validate(&with, r->contract))
        *params = with;
}

/* Half of the inputs are ordinary, and the shapes take turns in the other half. Where a kernel's last two
 * shapes have turns themselves, most inputs are theirs, for they have to take all turns; of sixteen inputs
 * two are ordinary and three have one of the other shapes. */
static void set_shape(const struct judge_rules *r, uint32_t input, unsigned shape, struct kern_params *params)
{
    enum { EACH = 16 };
    static const char plan[EACH + 1] = "UabSabaMbabaSbab";
    const struct kern_param *p = &r->kernel->params[shape];
    const unsigned n = kern_choices(p), turn = shape + 1;
    const bool turns = turn < r->kernel->n_params;
    if (params->at[shape] != p->choices[0].value)
        return;
    if (!turns) {
        if (input % 2)
            set(r, shape, p->choices[1 + input / 2 % (n - 1)].value, params);
        return;
    }
    const char kind = plan[input % EACH];
    uint32_t before = 0;
    for (uint32_t i = 0; i < EACH; i++)
        before += (plan[i] == kind) * (input / EACH + (i < input % EACH));
    if (kind == 'S')
        set(r, shape, p->choices[1 + before % (n - 4)].value, params);
    else if (kind == 'M')
        set(r, shape, p->choices[n - 3].value, params);
    else if (kind != 'U') {
        set(r, shape, p->choices[n - (kind == 'a' ? 2 : 1)].value, params);
        set(r, turn, before, params);
    }
}

/* One of the values of each parameter that only says what is generated. */
static struct kern_params draw_params(const struct judge_rules *r, uint32_t input, uint64_t seed)
{
    struct kern_params params = r->params;
    struct rng rng = {seed};
    const unsigned shape = kern_shape(r->kernel);
    for (unsigned i = 0; i < r->kernel->n_params; i++) {
        const struct kern_param *p = &r->kernel->params[i];
        const unsigned n = p->data ? kern_choices(p) : 0;
        if (i == shape)
            set_shape(r, input, shape, &params);
        else if (n)
            set(r, i, p->choices[rng_below(&rng, n)].value, &params);
    }
    return params;
}

static enum status fill(const struct judge_rules *r, const struct deadline *deadline, const uint64_t *seeds,
                        struct judge_inputs *out, struct diag *d)
{
    for (uint32_t i = 0; i < r->inputs; i++) {
        if (deadline_over(deadline))
            return diag_set(d, ST_LIMIT, "no time is left for the inputs");
        const struct kern_params params = draw_params(r, i, seeds[i]);
        const enum status status =
            kern_instance_create_by(r->kernel, &params, r->contract, seeds[i], deadline, &out->at[i], d);
        if (status != ST_OK)
            return status;
        out->n++;
        if (i == 0) {
            out->words = out->at[0]->words;
            if (out->words > MAX_WORDS / r->inputs)
                return diag_set(d, ST_INPUT, "%u inputs of %zu words, expected at most %d words in all",
                                r->inputs, out->words, MAX_WORDS);
            out->images = malloc(out->words * r->inputs * sizeof *out->images + 1);
        }
        if (!out->images)
            return diag_set(d, ST_NOMEM, "out of memory for %u images", r->inputs);
        memcpy(out->images + i * out->words, out->at[i]->image, out->words * sizeof *out->images);
    }
    return ST_OK;
}

enum status judge_inputs_create(const struct judge_rules *r, const struct deadline *deadline,
                                struct judge_inputs *out, struct diag *d)
{
    *out = (struct judge_inputs){.n = 0};
    if (r->inputs < 1 || r->inputs > JUDGE_MAX_INPUTS)
        return diag_set(d, ST_INPUT, "%u inputs, expected 1 to %d", r->inputs, JUDGE_MAX_INPUTS);
    uint64_t *seeds = malloc(r->inputs * sizeof *seeds);
    out->at = calloc(r->inputs, sizeof(struct kern_instance *));
    enum status status = seeds && out->at ? ST_OK : diag_set(d, ST_NOMEM, "out of memory for the inputs");
    for (uint32_t i = 0; status == ST_OK && i < r->inputs; i++)
        seeds[i] = r->seed + i;
    if (status == ST_OK && !r->seeded && !draw_seeds(seeds, r->inputs))
        status = diag_set(d, ST_IO, "the system gives no randomness");
    if (status == ST_OK)
        status = fill(r, deadline, seeds, out, d);
    free(seeds);
    return status;
}

void judge_inputs_free(struct judge_inputs *in)
{
    for (uint32_t i = 0; i < in->n; i++)
        kern_instance_destroy(in->at[i]);
    free(in->at);
    free(in->images);
    *in = (struct judge_inputs){.n = 0};
}
