#include "traces/html/html.h"

#include <string.h>

#include "sim/base/json_out.h"
#include "traces/html/html_pack.h"
#include "traces/html/html_page.h"
#include "traces/profile/divergence.h"

enum { MAX_LINKS = 1000 };

static void write_stream(struct json_out *j, const char *key, const struct text *bytes)
{
    text_addf(j->text, ", \"%s\": \"", key);
    html_base64(bytes, j->text);
    text_add(j->text, "\"");
}

static void write_machine(const struct isa_machine *m, struct json_out *j)
{
    json_open(j, "machine", '{');
    json_number(j, "cores", m->cores);
    json_number(j, "vlen", m->vlen);
    json_number(j, "scratch", m->scratch);
    json_open(j, "slots", '{');
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        json_number(j, isa_engine_name((enum isa_engine)e), m->slots[e]);
    json_close(j, '}');
    json_close(j, '}');
}

static const char *end_name(const struct history *h)
{
    return h->clipped ? "clipped" : h->end == SIM_FAULTED ? "faulted" : "stopped";
}

static enum status write_part(const struct html_part *part, struct json_out *j, struct diag *d)
{
    const struct history *h = part->profile->h;
    struct html_pack pack;
    const enum status status = html_pack(h, &part->profile->holes, &part->profile->live, &pack, d);
    if (status == ST_OK) {
        json_open(j, NULL, '{');
        json_text(j, "name", part->name);
        json_number(j, "first_cycle", h->first_cycle);
        json_number(j, "cycles", h->cycles);
        json_text(j, "end", end_name(h));
        json_number(j, "slots", hist_n(h));
        json_number(j, "edges", h->edges.n);
        json_number(j, "values", h->values.n);
        json_number(j, "codes", pack.codes);
        json_number(j, "bundles", pack.bundles);
        json_bool(j, "notes", h->prog->notes.n > 0);
        write_machine(&h->machine, j);
        json_open(j, "stages", '[');
        for (size_t i = 0; i < h->prog->stages.n; i++)
            json_text(j, NULL, h->prog->stages.at[i]);
        json_close(j, ']');
        json_open(j, "words", '[');
        for (size_t i = 0; i < pack.words.n; i++)
            json_text(j, NULL, pack.words.at[i]);
        json_close(j, ']');
        write_stream(j, "code", &pack.code);
        write_stream(j, "run", &pack.run);
        write_stream(j, "value_words", &pack.values);
        write_stream(j, "holes", &pack.holes);
        write_stream(j, "live", &pack.live);
        /* A chain may be as long as the run, which is in the page already. */
        struct profile shown = *part->profile;
        shown.limits.chain.n = shown.limits.chain.n < MAX_LINKS ? shown.limits.chain.n : MAX_LINKS;
        json_open(j, "profile", '{');
        profile_json(&shown, j);
        json_close(j, '}');
        json_close(j, '}');
    }
    html_pack_free(&pack);
    return status;
}

enum status html_fits(uint64_t slots, uint64_t cycles, struct diag *d)
{
    if (slots <= HTML_MAX_SLOTS && cycles <= HTML_MAX_CYCLES)
        return ST_OK;
    return diag_set(d, ST_LIMIT,
                    "more than %d slots or %d cycles for a page; ask for a window of cycles (--cycles a:b)",
                    HTML_MAX_SLOTS, HTML_MAX_CYCLES);
}

static enum status write_side(const struct html_side *side, struct json_out *j, struct diag *d)
{
    uint64_t slots = 0, cycles = 0;
    for (size_t i = 0; i < side->n_parts; i++) {
        slots += side->parts[i].profile->slots;
        cycles += side->parts[i].profile->h->cycles;
    }
    enum status status = html_fits(slots, cycles, d);
    if (status != ST_OK)
        return status;
    json_open(j, NULL, '{');
    json_text(j, "title", side->title);
    json_open(j, "parts", '[');
    for (size_t i = 0; status == ST_OK && i < side->n_parts; i++)
        status = write_part(&side->parts[i], j, d);
    json_close(j, ']');
    json_close(j, '}');
    return status;
}

static void write_divergence_side(const char *key, const struct divergence_side *side, struct json_out *j)
{
    if (!side->there) {
        json_text(j, key, NULL);
        return;
    }
    json_open(j, key, '{');
    json_number(j, "slot", side->slot);
    json_number(j, "value", side->value);
    json_close(j, '}');
}

/* Where the two part, in the first of their programs that do. */
static enum status write_divergence(const struct html_side *a, const struct html_side *b, struct json_out *j,
                                    struct diag *d)
{
    struct divergence part = {.found = false};
    size_t i = 0;
    for (; i < a->n_parts && i < b->n_parts && !part.found; i++) {
        const enum status status = divergence_find(a->parts[i].profile->h, b->parts[i].profile->h, &part, d);
        if (status != ST_OK)
            return status;
    }
    json_open(j, "divergence", '{');
    json_number(j, "compared", part.compared);
    json_text(j, "by", divergence_by_name(part.by));
    json_bool(j, "found", part.found);
    if (part.found) {
        json_number(j, "part", i - 1);
        json_text(j, "place", part.place);
        json_number(j, "nth", part.nth);
        write_divergence_side("a", &part.a, j);
        write_divergence_side("b", &part.b, j);
    }
    json_close(j, '}');
    return ST_OK;
}

static enum status write_data(const struct html_side *side, const struct html_side *against, struct text *out,
                              struct diag *d)
{
    struct json_out j = {.text = out};
    json_open(&j, NULL, '{');
    json_open(&j, "causes", '[');
    for (unsigned c = 0; c < CAUSES; c++)
        json_text(&j, NULL, holes_cause_name((enum cause)c));
    json_close(&j, ']');
    json_open(&j, "sides", '[');
    enum status status = write_side(side, &j, d);
    if (status == ST_OK && against)
        status = write_side(against, &j, d);
    json_close(&j, ']');
    if (status == ST_OK && against)
        status = write_divergence(side, against, &j, d);
    json_close(&j, '}');
    return status;
}

static void add_lines(const char *const *lines, struct text *out)
{
    for (; *lines; lines++) {
        text_add(out, *lines);
        text_add(out, "\n");
    }
}

/* JSON within a script element, which "</script" or "<!--" in a name would end. */
static void add_quoted(const struct text *json, struct text *out)
{
    const char *at = json->at;
    const char *const end = at + json->n;
    while (at < end) {
        const char *next = memchr(at, '<', (size_t)(end - at));
        text_add_n(out, at, (size_t)((next ? next : end) - at));
        if (!next)
            break;
        text_add(out, "\\u003c");
        at = next + 1;
    }
}

enum status html_write(const struct html_side *side, const struct html_side *against, struct text *out,
                       struct diag *d)
{
    struct text data = {0};
    enum status status = write_data(side, against, &data, d);
    if (status == ST_OK && text_ok(&data)) {
        add_lines(html_page_head, out);
        add_quoted(&data, out);
        add_lines(html_page_tail, out);
    }
    if (status == ST_OK && (!text_ok(&data) || !text_ok(out)))
        status = diag_set(d, ST_NOMEM, "out of memory for the page");
    text_free(&data);
    return status;
}
