#include <inttypes.h>

#include "kernels/kernel.h"
#include "tools/commands/commands.h"
#include "tools/report.h"

static void print_params(const struct kern *k, struct text *t)
{
    for (unsigned i = 0; i < k->n_params; i++) {
        const struct kern_param *p = &k->params[i];
        text_addf(t, "  %-10s %-10s ", i ? "" : "sizes", p->name);
        for (const struct kern_choice *c = p->choices; c && c->name; c++)
            text_addf(t, "%s%s", c == p->choices ? "" : " or ", c->name);
        if (!p->choices)
            text_addf(t, "%" PRId64 " to %" PRId64 ", standard %" PRId64, p->low, p->high, p->fallback);
        text_addf(t, ": %s\n", p->doc);
    }
}

static void print_kernel(const struct kern *k, struct text *t)
{
    text_addf(t, "%s: %s\n", k->name, k->doc);
    print_params(k, t);
    for (unsigned i = 0; i < k->n_contracts; i++)
        text_addf(t, "  %-10s %-10s %s\n", i ? "" : "contracts", k->contracts[i].name, k->contracts[i].doc);
    for (unsigned i = 0; i < k->n_variants; i++) {
        const struct kern_variant *v = &k->variants[i];
        text_addf(t, "  %-10s %-10s %s\n", i ? "" : "variants", v->name, v->doc);
        for (unsigned c = 0; c < k->n_contracts; c++)
            if (v->cycles[c])
                text_addf(t, "  %-10s %-10s %" PRIu64 " cycles (%s)\n", "", "", v->cycles[c],
                          k->contracts[c].name);
    }
}

static void json_params(const struct kern *k, struct json_out *j)
{
    json_open(j, "parameters", '[');
    for (unsigned i = 0; i < k->n_params; i++) {
        const struct kern_param *p = &k->params[i];
        json_open(j, NULL, '{');
        json_text(j, "name", p->name);
        json_text(j, "doc", p->doc);
        json_number(j, "default", (uint64_t)p->fallback);
        json_number(j, "low", (uint64_t)p->low);
        json_number(j, "high", (uint64_t)p->high);
        if (p->choices) {
            json_open(j, "choices", '[');
            for (const struct kern_choice *c = p->choices; c->name; c++)
                json_text(j, NULL, c->name);
            json_close(j, ']');
        }
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void json_variants(const struct kern *k, struct json_out *j)
{
    json_open(j, "variants", '[');
    for (unsigned i = 0; i < k->n_variants; i++) {
        const struct kern_variant *v = &k->variants[i];
        json_open(j, NULL, '{');
        json_text(j, "name", v->name);
        json_text(j, "doc", v->doc);
        json_open(j, "cycles", '{');
        for (unsigned c = 0; c < k->n_contracts; c++)
            if (v->cycles[c])
                json_number(j, k->contracts[c].name, v->cycles[c]);
        json_close(j, '}');
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void json_kernel(const struct kern *k, struct json_out *j)
{
    json_open(j, NULL, '{');
    json_text(j, "name", k->name);
    json_text(j, "doc", k->doc);
    json_params(k, j);
    json_open(j, "contracts", '[');
    for (unsigned i = 0; i < k->n_contracts; i++) {
        json_open(j, NULL, '{');
        json_text(j, "name", k->contracts[i].name);
        json_text(j, "doc", k->contracts[i].doc);
        json_close(j, '}');
    }
    json_close(j, ']');
    json_variants(k, j);
    json_close(j, '}');
}

static int kernels(const struct options *o)
{
    struct text t = {0};
    if (!opt_given(o, OPT_JSON)) {
        for (unsigned i = 0; kern_at(i); i++)
            print_kernel(kern_at(i), &t);
        return tool_print(&t);
    }
    struct json_out j = {.text = &t};
    json_open(&j, NULL, '{');
    json_open(&j, "kernels", '[');
    for (unsigned i = 0; kern_at(i); i++)
        json_kernel(kern_at(i), &j);
    json_close(&j, ']');
    json_close(&j, '}');
    text_add(&t, "\n");
    return tool_print(&t);
}

const struct command command_kernels = {
    .name = "kernels",
    .operands = "",
    .doc = "list kernels, their sizes, contracts, variants and known cycles",
    .options = OPT(JSON),
    .run = kernels,
};
