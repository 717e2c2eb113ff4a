/* Parameters as users write them: "height=10,rounds=16,start=any". */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernel.h"

static bool find_choice(const struct kern_choice *c, const char *text, size_t length, int64_t *out)
{
    for (; c->name; c++)
        if (strlen(c->name) == length && memcmp(c->name, text, length) == 0) {
            *out = c->value;
            return true;
        }
    return false;
}

/* A whole number of exactly `length` characters, all digits but for a sign. */
static bool parse_number(const char *text, size_t length, int64_t *out)
{
    if (length == 0 || length > 20)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((text[i] < '0' || text[i] > '9') && (i > 0 || text[i] != '-' || length == 1))
            return false;
    errno = 0;
    *out = strtoll(text, NULL, 10);
    return errno == 0;
}

static void expected(const struct kern_param *p, struct text *t)
{
    if (!p->choices) {
        text_addf(t, "%" PRId64 " to %" PRId64, p->low, p->high);
        return;
    }
    for (const struct kern_choice *c = p->choices; c->name; c++)
        text_addf(t, "%s%s", c == p->choices ? "" : c[1].name ? ", " : " or ", c->name);
}

static enum status bad_name(const struct kern *k, const char *text, size_t length, struct diag *d)
{
    struct text names = {0};
    for (unsigned i = 0; i < k->n_params; i++)
        text_addf(&names, "%s%s", i ? ", " : "", k->params[i].name);
    (void)diag_set(d, ST_INPUT, "%s has no parameter `%.*s`, expected %s", k->name, (int)length, text,
                   names.at ? names.at : "another");
    text_free(&names);
    return ST_INPUT;
}

static enum status bad_value(const struct kern *k, const struct kern_param *p, const char *text,
                             size_t length, struct diag *d)
{
    struct text range = {0};
    expected(p, &range);
    (void)diag_set(d, ST_INPUT, "%s: %s=%.*s, expected %s", k->name, p->name, (int)length, text,
                   range.at ? range.at : "another");
    text_free(&range);
    return ST_INPUT;
}

/* One "name=value" of `length` bytes. */
static enum status set_one(const struct kern *k, const char *text, size_t length, struct kern_params *params,
                           struct diag *d)
{
    const char *equals = memchr(text, '=', length);
    const size_t name_length = equals ? (size_t)(equals - text) : length;
    unsigned i = 0;
    while (i < k->n_params &&
           (strlen(k->params[i].name) != name_length || memcmp(k->params[i].name, text, name_length) != 0))
        i++;
    if (i == k->n_params)
        return bad_name(k, text, name_length, d);
    const struct kern_param *p = &k->params[i];
    if (!equals)
        return diag_set(d, ST_INPUT, "%s: expected %s=VALUE", k->name, p->name);
    const char *value = equals + 1;
    const size_t value_length = length - name_length - 1;
    int64_t number;
    const bool good =
        p->choices ? find_choice(p->choices, value, value_length, &number)
                   : parse_number(value, value_length, &number) && number >= p->low && number <= p->high;
    if (!good)
        return bad_value(k, p, value, value_length, d);
    params->at[i] = number;
    return ST_OK;
}

enum status kern_set(const struct kern *k, const char *text, struct kern_params *params, struct diag *d)
{
    for (;;) {
        const size_t length = strcspn(text, ",");
        const enum status status = set_one(k, text, length, params, d);
        if (status != ST_OK || text[length] == '\0')
            return status;
        text += length + 1;
    }
}

void kern_params_text(const struct kern *k, const struct kern_params *params, struct text *out)
{
    const char *comma = "";
    for (unsigned i = 0; i < k->n_params; i++) {
        const struct kern_param *p = &k->params[i];
        const struct kern_choice *c = p->choices;
        if ((c || (p->data && !p->fallback)) && params->at[i] == p->fallback)
            continue;
        while (c && c->value != params->at[i])
            c++;
        if (c)
            text_addf(out, "%s%s=%s", comma, p->name, c->name);
        else
            text_addf(out, "%s%s=%" PRId64, comma, p->name, params->at[i]);
        comma = ", ";
    }
}
