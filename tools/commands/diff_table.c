#include "tools/commands/diff_table.h"

#include <string.h>

#include "traces/profile/holes.h"

/* Where the rows go: one of the two. */
struct table {
    const json_t *a, *b;
    struct text *text;
    struct json_out *json;
};

static void put_number(struct text *t, const json_t *v)
{
    if (!v)
        text_addf(t, " %12s", "-");
    else if (json_is_integer(v))
        text_addf(t, " %12lld", (long long)json_integer_value(v));
    else
        text_addf(t, " %12.3f", json_number_value(v));
}

static void put_change(struct text *t, const json_t *a, const json_t *b)
{
    if (!a || !b)
        return;
    const double x = json_number_value(a), y = json_number_value(b);
    if (json_is_integer(a) && json_is_integer(b))
        text_addf(t, " %+12lld", (long long)(json_integer_value(b) - json_integer_value(a)));
    else
        text_addf(t, " %+12.3f", y - x);
    if (x > 0 && y != x)
        text_addf(t, "  %+7.1f %%", 100 * (y - x) / x);
}

static void json_value(struct json_out *j, const char *key, const json_t *v)
{
    if (!v)
        json_text(j, key, NULL);
    else if (json_is_integer(v))
        json_number(j, key, (uint64_t)json_integer_value(v));
    else
        json_decimal(j, key, json_number_value(v));
}

static void row(struct table *x, const char *group, const char *name, const json_t *a, const json_t *b)
{
    if (!json_is_number(a))
        a = NULL;
    if (!json_is_number(b))
        b = NULL;
    if (!a && !b)
        return;
    struct text what = {0};
    text_addf(&what, "%s%s%s", group, *group ? " " : "", name);
    if (x->text) {
        text_add_shown(x->text, what.at ? what.at : "", 32, TEXT_WHOLE);
        put_number(x->text, a);
        put_number(x->text, b);
        put_change(x->text, a, b);
        text_add(x->text, "\n");
    } else {
        json_open(x->json, NULL, '{');
        json_text(x->json, "what", what.at);
        json_value(x->json, "a", a);
        json_value(x->json, "b", b);
        json_close(x->json, '}');
    }
    text_free(&what);
}

static void space(struct table *x)
{
    if (x->text)
        text_add(x->text, "\n");
}

/* The members of the object `key` of both. */
static void rows_of(struct table *x, const char *group, const json_t *a, const json_t *b)
{
    const char *name;
    const json_t *value;
    json_object_foreach((json_t *)a, name, value) row(x, group, name, value, json_object_get(b, name));
    json_object_foreach((json_t *)b, name, value)
    {
        if (!json_object_get(a, name))
            row(x, group, name, NULL, value);
    }
}

/* The row of that name in a list of objects that have names. */
static const json_t *named(const json_t *list, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *its = json_string_value(json_object_get(item, "name"));
        if (its && strcmp(its, name) == 0)
            return item;
    }
    return NULL;
}

/* `figure` of the items of two lists, by their names. */
static void rows_by_name(struct table *x, const char *group, const json_t *a, const json_t *b,
                         const char *figure)
{
    for (size_t i = 0; i < json_array_size(a) + json_array_size(b); i++) {
        const bool second = i >= json_array_size(a);
        const json_t *item = second ? json_array_get(b, i - json_array_size(a)) : json_array_get(a, i);
        const char *name = json_string_value(json_object_get(item, "name"));
        if (!name || (second && named(a, name)))
            continue;
        row(x, group, name, second ? NULL : json_object_get(item, figure),
            json_object_get(second ? item : named(b, name), figure));
    }
}

static const json_t *at(const json_t *o, const char *key, const char *inner)
{
    return json_object_get(json_object_get(o, key), inner);
}

static void by_engine(struct table *x)
{
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        const char *name = isa_engine_name((enum isa_engine)e);
        const json_t *a = at(x->a, "engines", name), *b = at(x->b, "engines", name);
        space(x);
        row(x, name, "slots", json_object_get(a, "used"), json_object_get(b, "used"));
        row(x, name, "utilization", json_object_get(a, "utilization"), json_object_get(b, "utilization"));
        row(x, name, "empty", json_object_get(a, "empty"), json_object_get(b, "empty"));
        const json_t *p = at(x->a, "holes", name), *q = at(x->b, "holes", name);
        for (unsigned k = 0; k < CAUSES; k++) {
            const char *cause = holes_cause_name((enum cause)k);
            struct text group = {0};
            text_addf(&group, "%s empty,", name);
            row(x, group.at ? group.at : name, cause, json_object_get(p, cause), json_object_get(q, cause));
            text_free(&group);
        }
    }
}

static void fill(struct table *x)
{
    static const char *const first[] = {"cycles", "bound", "ratio", "slots"};
    static const char *const loads[] = {"gathers", "vectors", "constants"};
    for (unsigned i = 0; i < sizeof first / sizeof *first; i++)
        row(x, "", first[i], json_object_get(x->a, first[i]), json_object_get(x->b, first[i]));
    rows_by_name(x, "cycles of", json_object_get(x->a, "programs"), json_object_get(x->b, "programs"),
                 "cycles");
    rows_of(x, "bound", json_object_get(x->a, "bounds"), json_object_get(x->b, "bounds"));
    by_engine(x);
    space(x);
    row(x, "scratch", "peak", at(x->a, "scratch", "peak"), at(x->b, "scratch", "peak"));
    for (unsigned i = 0; i < sizeof loads / sizeof *loads; i++)
        row(x, "loads,", loads[i], at(x->a, "loads", loads[i]), at(x->b, "loads", loads[i]));
    space(x);
    const char *by = json_string_value(at(x->a, "where", "by"));
    const char *other = json_string_value(at(x->b, "where", "by"));
    if (by && other && strcmp(by, other) == 0)
        rows_by_name(x, "cycles by", at(x->a, "where", "rows"), at(x->b, "where", "rows"), "cycles");
}

void diff_table_text(const json_t *a, const json_t *b, struct text *t)
{
    struct table x = {.a = a, .b = b, .text = t};
    text_addf(t, "%-32s %12s %12s %12s\n", "", "A", "B", "change");
    fill(&x);
}

void diff_table_json(const json_t *a, const json_t *b, const char *key, struct json_out *j)
{
    struct table x = {.a = a, .b = b, .json = j};
    json_open(j, key, '[');
    fill(&x);
    json_close(j, ']');
}
