#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/debug/dap.h"

/* A bundle's number is its address, and it is one byte long. */
bool dap_address(const char *text, int64_t *bundle)
{
    char *end;
    errno = 0;
    const bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    *bundle = strtoll(text, &end, hex ? 16 : 10);
    return *text && !*end && errno == 0;
}

void dap_add_line(const struct dap *d, int64_t bundle, json_t *object)
{
    if ((uint64_t)bundle >= d->lines.n) /* or negative */
        return;
    (void)json_object_set_new(object, "line",
                              json_integer((json_int_t)d->lines.at[bundle].first - d->lines_from_0));
    (void)json_object_set_new(object, "column", json_integer(d->columns_from_0 ? 0 : 1));
    (void)json_object_set_new(object, "source", dap_source_of(d));
}

/* The bundle in one line of assembly. */
static void bundle_text(const struct prog *p, uint32_t bundle, struct text *out)
{
    const struct prog_span groups = prog_groups(p, bundle);
    const char *before = "{ ";
    for (uint32_t g = groups.begin; g < groups.end; g++) {
        const struct prog_span slots = prog_slots(p, g);
        text_addf(out, "%s%s:", before, isa_engine_name((enum isa_engine)p->groups.at[g].engine));
        before = "; ";
        for (uint32_t i = slots.begin; i < slots.end; i++) {
            text_add(out, i > slots.begin ? "; " : " ");
            prog_slot_text(p, &p->slots.at[i], out);
        }
    }
    text_add(out, groups.end > groups.begin ? " }" : "{}");
}

static json_t *instruction(const struct dap *d, int64_t at)
{
    const struct prog *p = dap_sim(d)->prog;
    char address[24];
    struct text t = {0};
    (void)snprintf(address, sizeof address, "%lld", (long long)at);
    if ((uint64_t)at >= p->bundles.n) /* or negative */
        return json_pack("{s:s, s:s, s:s}", "address", address, "instruction", "(no bundle)",
                         "presentationHint", "invalid");
    bundle_text(p, (uint32_t)at, &t);
    json_t *out = json_pack("{s:s, s:o}", "address", address, "instruction", dap_text(&t));
    for (size_t i = 0; out && i < p->labels.n; i++)
        if (p->labels.at[i].bundle == at)
            (void)json_object_set_new(out, "symbol", dap_string(p->labels.at[i].name));
    if (out) {
        dap_add_line(d, at, out);
        json_t *source = json_object_get(out, "source");
        if (source)
            (void)json_object_set(out, "location", source);
        (void)json_object_del(out, "source");
    }
    return out;
}

json_t *dap_disassemble(struct dap *d, const json_t *args)
{
    enum { MOST = 20000 };
    int64_t first;
    const char *reference = dap_chars(args, "memoryReference");
    const json_int_t count = dap_int(args, "instructionCount", -1);
    if (!reference || !dap_address(reference, &first) ||
        __builtin_add_overflow(first, dap_int(args, "offset", 0), &first) ||
        __builtin_add_overflow(first, dap_int(args, "instructionOffset", 0), &first) ||
        first > INT64_MAX - MOST)
        return dap_fail(d, "disassemble: no bundle `%.60s`", reference ? reference : "");
    if (count < 0 || count > MOST)
        return dap_fail(d, "disassemble: expected an instructionCount from 0 to %d", MOST);
    json_t *list = json_array();
    for (json_int_t i = 0; i < count; i++)
        (void)json_array_append_new(list, instruction(d, first + i));
    return json_pack("{s:o}", "instructions", list);
}
