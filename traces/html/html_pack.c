#include "traces/html/html_pack.h"

#include <stdlib.h>
#include <string.h>

#include "sim/program/asm_table.h"
#include "sim/program/print.h"
#include "sim/program/symbols.h"

/* What a slot does besides computing. */
enum access { ACCESS_NONE, ACCESS_SCRATCH, ACCESS_LOAD, ACCESS_STORE };

enum { KIND_BITS = 3 };
_Static_assert(HIST_KINDS <= 1 << KIND_BITS, "an edge's kind fits its bits");

struct packer {
    const struct history *h;
    struct html_pack *out;
    struct asm_table known; /* words by their text */
    uint32_t *code_of;      /* by slot of the program: its place in `code` + 1; 0: not executed */
    struct print_names names;
    struct text text; /* at work */
};

static void number(struct text *out, uint64_t n)
{
    char bytes[10];
    size_t length = 0;
    do {
        bytes[length++] = (char)((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
        n >>= 7;
    } while (n);
    text_add_n(out, bytes, length);
}

static uint64_t zigzag(int64_t n)
{
    return n < 0 ? ~(uint64_t)n * 2 + 1 : (uint64_t)n * 2;
}

static void word(struct packer *k, const char *text, size_t length)
{
    uint32_t index = 0;
    if (!asm_table_find(&k->known, text, length, &index)) {
        const char *copy = arena_text(&k->out->arena, text, length);
        index = (uint32_t)k->out->words.n;
        if (!copy || !vec_push(&k->out->words, copy) || !asm_table_add(&k->known, copy, length, index))
            k->out->failed = true;
    }
    number(&k->out->code, index);
}

/* --- the program ---------------------------------------------------------------- */

/* The end of the operand that begins at `s`: operands are set apart by ", ", which only a name in
 * quotes has in it. */
static size_t operand_length(const char *s)
{
    bool quoted = false;
    size_t n = 0;
    for (; s[n] && (quoted || s[n] != ','); n++) {
        if (s[n] == '"')
            quoted = !quoted;
        else if (quoted && s[n] == '\\' && s[n + 1])
            n++;
    }
    return n;
}

static void pack_text(struct packer *k, const struct isa_slot *s)
{
    k->text.n = 0;
    print_slot(&k->names, s, &k->text);
    if (!text_ok(&k->text))
        return;
    const char *at = k->text.at;
    const size_t operation = strcspn(at, " ");
    number(&k->out->code, 1u + isa_info((enum isa_op)s->op)->args);
    word(k, at, operation);
    at += operation;
    for (unsigned i = 0; i < isa_info((enum isa_op)s->op)->args; i++) {
        at += i ? 2 : 1;
        const size_t length = operand_length(at);
        word(k, at, length);
        at += length;
    }
}

static void pack_reads(struct packer *k, const struct isa_slot *s, const struct isa_effects *fx)
{
    const struct isa_info *info = isa_info((enum isa_op)s->op);
    unsigned operand = 0;
    number(&k->out->code, fx->reads);
    for (unsigned i = 0; i < fx->reads; i++, operand++) {
        while (info->role[operand] != ROLE_SRC && info->role[operand] != ROLE_VSRC)
            operand++;
        number(&k->out->code, operand);
        number(&k->out->code, (uint64_t)fx->read[i].first);
        number(&k->out->code, fx->read[i].n);
    }
}

static void pack_note(struct packer *k, const struct prog_note *note)
{
    struct text *out = &k->out->code;
    number(out, note->stage == PROG_NO_STAGE ? 0 : note->stage + 1u);
    number(out, note->round);
    number(out, note->strand == PROG_ALL_STRANDS ? 0 : note->strand + 1u);
    if (note->value)
        word(k, note->value, strlen(note->value));
    else
        word(k, "", 0);
    number(out, note->word);
}

static enum access access_of(const struct isa_slot *s, const struct isa_effects *fx)
{
    const enum isa_op op = (enum isa_op)s->op;
    return isa_is_load(op)    ? ACCESS_LOAD
           : isa_is_store(op) ? ACCESS_STORE
           : fx->writes       ? ACCESS_SCRATCH
                              : ACCESS_NONE;
}

static void pack_code(struct packer *k)
{
    const struct prog *p = k->h->prog;
    for (uint32_t i = 0; i < hist_n(k->h); i++)
        k->code_of[k->h->slots.at[i].slot] = 1;
    for (uint32_t i = 0; i < p->slots.n; i++) {
        if (!k->code_of[i])
            continue;
        const struct isa_slot *s = &p->slots.at[i];
        const struct isa_effects fx = isa_effects(s, k->h->machine.vlen);
        k->code_of[i] = ++k->out->codes;
        number(&k->out->code, s->engine);
        number(&k->out->code, access_of(s, &fx));
        number(&k->out->code, fx.writes ? (uint64_t)fx.write.first : 0);
        pack_text(k, s);
        pack_reads(k, s, &fx);
        if (p->notes.n)
            pack_note(k, &p->notes.at[i]);
    }
}

/* --- the run -------------------------------------------------------------------- */

static void pack_edges(const struct packer *k, uint32_t slot, uint32_t cycle)
{
    const struct hist_slot *s = &k->h->slots.at[slot];
    const struct hist_ready ready = hist_ready(k->h, slot);
    struct text *out = &k->out->run;
    number(out, cycle - ready.value);
    number(out, cycle - ready.used);
    number(out, cycle - ready.order);
    number(out, s[1].first_edge - s->first_edge);
    for (uint32_t e = s->first_edge; e < s[1].first_edge; e++) {
        const struct hist_edge *edge = &k->h->edges.at[e];
        /* A later slot of the same bundle may still have to read what this one writes. */
        number(out, zigzag((int64_t)slot - edge->from) << KIND_BITS | edge->kind);
        number(out, edge->word);
    }
}

static void pack_values(const struct packer *k, const struct hist_slot *s)
{
    for (uint32_t i = 0; i < s->words; i++) {
        const uint32_t v = k->h->values.at[s->first_value + i];
        const unsigned char bytes[4] = {(unsigned char)v, (unsigned char)(v >> 8), (unsigned char)(v >> 16),
                                        (unsigned char)(v >> 24)};
        text_add_n(&k->out->values, (const char *)bytes, sizeof bytes);
    }
}

static void pack_run(struct packer *k)
{
    const struct history *h = k->h;
    struct text *out = &k->out->run;
    uint32_t cycle = 0;
    int64_t code = 0;
    for (size_t b = 0; b < h->bundles.n; b++) {
        const struct hist_bundle *bundle = &h->bundles.at[b];
        const uint32_t end = b + 1 < h->bundles.n ? bundle[1].first_slot : hist_n(h);
        if (bundle->first_slot == end)
            continue;
        k->out->bundles++;
        number(out, bundle->bundle);
        number(out, bundle->cycle - cycle);
        number(out, bundle->core);
        number(out, end - bundle->first_slot);
        cycle = bundle->cycle;
        for (uint32_t i = bundle->first_slot; i < end; i++) {
            const struct hist_slot *s = &h->slots.at[i];
            const struct isa_effects fx = isa_effects(hist_isa(h, i), h->machine.vlen);
            const int64_t here = k->code_of[s->slot] - 1;
            number(out, zigzag(here - code));
            code = here;
            number(out, s->words);
            if (access_of(hist_isa(h, i), &fx) >= ACCESS_LOAD)
                number(out, s->address);
            pack_edges(k, i, cycle);
            pack_values(k, s);
        }
    }
}

static void pack_time(struct packer *k, const struct holes *holes, const struct live *live)
{
    struct text *out = &k->out->holes;
    for (uint32_t c = 0; c < k->h->cycles; c++) {
        for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
            number(out, holes->used[c][e]);
            for (unsigned cause = 0; cause < CAUSES; cause++)
                number(out, holes->cause[c][e][cause]);
        }
        number(&k->out->live, live->words[c]);
    }
}

/* --- all of it ------------------------------------------------------------------ */

/* By bundle, so that no slot has to look through all labels. */
static const char **label_table(const struct prog *p)
{
    const char **of = calloc(p->bundles.n + 1, sizeof *of);
    for (size_t i = p->labels.n; of && i-- > 0;)
        of[p->labels.at[i].bundle] = p->labels.at[i].name;
    return of;
}

static bool good(const struct html_pack *p)
{
    return !p->failed && text_ok(&p->code) && text_ok(&p->run) && text_ok(&p->values) && text_ok(&p->holes) &&
           text_ok(&p->live);
}

enum status html_pack(const struct history *h, const struct holes *holes, const struct live *live,
                      struct html_pack *out, struct diag *d)
{
    *out = (struct html_pack){0};
    struct prog_symbols spare = {0};
    const char **labels = label_table(h->prog);
    struct packer k = {.h = h,
                       .out = out,
                       .code_of = calloc(h->prog->slots.n + 1, sizeof *k.code_of),
                       .names = {h->prog, symbols_of(h->prog, &spare), labels}};
    out->failed = !labels || !k.code_of;
    if (!out->failed) {
        pack_code(&k);
        pack_run(&k);
        pack_time(&k, holes, live);
    }
    out->failed = out->failed || !text_ok(&k.text);
    free(labels);
    free(k.code_of);
    text_free(&k.text);
    asm_table_free(&k.known);
    symbols_free(&spare);
    return good(out) ? ST_OK : diag_set(d, ST_NOMEM, "out of memory for the page");
}

void html_pack_free(struct html_pack *p)
{
    text_free(&p->code);
    text_free(&p->run);
    text_free(&p->values);
    text_free(&p->holes);
    text_free(&p->live);
    vec_free(&p->words);
    arena_free(&p->arena);
}

void html_base64(const struct text *bytes, struct text *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes->n; i += 3) {
        const size_t n = bytes->n - i < 3 ? bytes->n - i : 3;
        uint32_t group = 0;
        for (size_t b = 0; b < 3; b++)
            group = group << 8 | (b < n ? (unsigned char)bytes->at[i + b] : 0);
        char four[4];
        for (unsigned b = 0; b < 4; b++)
            four[b] = b <= n ? digits[group >> (18 - 6 * b) & 63] : '=';
        text_add_n(out, four, sizeof four);
    }
}
