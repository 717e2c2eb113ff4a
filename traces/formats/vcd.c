/* Value Change Dump (IEEE 1364-2005, 18.2), for waveform viewers: a module for each core, in it
 * the program counter, for each engine the slots used and the operation in each slot, and the
 * words of scratch that have names. A time step is a cycle: what is executed in it shows during
 * it, what it writes shows from the next one on, as in registers.
 *
 * Operations are of type `string`, which the standard does not have but viewers do. */
#include <stdlib.h>

#include "sim/program/print.h"
#include "traces/formats/trace.h"

/* Words that are declared; names behind are left out. */
enum { MAX_WORDS = 1 << 20 };

/* What a core does, or what is shown of it. */
struct core {
    int64_t pc; /* -1: it executes nothing */
    uint32_t used[ENGINE_DEBUG];
    uint8_t op[ENGINE_DEBUG][ISA_MAX_SLOTS]; /* plus one; 0: nothing */
};

struct vcd {
    bool plain; /* operations as numbers */
    struct core *now, *shown;
    bool **declared; /* by program, then scratch word */
    struct text line, later;
    uint64_t time;
    bool started; /* `time` means something, initial values are written */
};

/* --- identifiers: numbers in the printable characters --------------------------------- */

static void add_id(struct text *out, uint64_t number)
{
    enum { FIRST = '!', CHARACTERS = '~' - '!' + 1 };
    do {
        const char c = (char)(FIRST + number % CHARACTERS);
        text_add_n(out, &c, 1);
    } while (number /= CHARACTERS);
}

static uint64_t pc_id(uint32_t core)
{
    return core;
}

static uint64_t used_id(const struct trace *t, uint32_t core, unsigned engine)
{
    return pc_id(t->machine.cores) + core * ENGINE_DEBUG + engine;
}

static uint64_t op_id(const struct trace *t, uint32_t core, unsigned engine, uint32_t number)
{
    return used_id(t, t->machine.cores, 0) + trace_slot_track(t, core, engine, number);
}

/* Of a word whatever its name, so that names of the same word are one variable. */
static uint64_t word_id(const struct trace *t, uint32_t program, uint32_t core, uint64_t word)
{
    const uint64_t cores = (uint64_t)program * t->machine.cores + core;
    return op_id(t, t->machine.cores, 0, 0) + cores * t->named + word;
}

/* --- the head ------------------------------------------------------------------------- */

static bool flush(struct trace *t)
{
    struct vcd *v = t->state;
    const bool good = text_ok(&v->line);
    out_text(t->out, &v->line);
    return good;
}

static void declare(struct text *line, const char *type, uint64_t id)
{
    text_addf(line, "$var %s ", type);
    add_id(line, id);
    text_add_n(line, " ", 1);
}

/* A name as one word that has no meaning to viewers: letters, digits, and for all else this. */
static char shown_as(char c)
{
    return c != '.' && print_ident_part((unsigned char)c) ? c : '_';
}

static void add_name(struct text *line, const char *name)
{
    for (const char *s = name; *s; s++)
        text_add_n(line, (const char[]){shown_as(*s)}, 1);
    if (!*name)
        text_add_n(line, "_", 1);
}

/* The sign of the difference of two names as they are shown. */
static int compare_shown(const char *a, const char *b)
{
    a = *a ? a : "_";
    b = *b ? b : "_";
    for (; *a && *b && shown_as(*a) == shown_as(*b); a++)
        b++;
    const char x = *a ? shown_as(*a) : '\0', y = *b ? shown_as(*b) : '\0';
    return (x > y) - (x < y);
}

/* Then in the order of the program. */
static int by_shown(const void *left, const void *right)
{
    const struct prog_name *const *a = left, *const *b = right;
    const int order = compare_shown((*a)->name, (*b)->name);
    return order ? order : (*a > *b) - (*a < *b);
}

/* By name: whether an earlier one is shown the same. The caller's to free; NULL when out of memory. */
static bool *find_repeated(const struct prog *p)
{
    const struct prog_name **sorted = malloc((p->names.n + 1) * sizeof *sorted);
    bool *repeated = calloc(p->names.n + 1, sizeof *repeated);
    if (sorted && repeated) {
        for (size_t i = 0; i < p->names.n; i++)
            sorted[i] = &p->names.at[i];
        qsort(sorted, p->names.n, sizeof *sorted, by_shown);
        for (size_t i = 1; i < p->names.n; i++)
            repeated[sorted[i] - p->names.at] = compare_shown(sorted[i - 1]->name, sorted[i]->name) == 0;
    } else {
        free(repeated);
        repeated = NULL;
    }
    free(sorted);
    return repeated;
}

static bool declare_engines(struct trace *t, uint32_t core)
{
    struct text *line = &((struct vcd *)t->state)->line;
    declare(line, "integer 32", pc_id(core));
    text_add(line, "pc $end\n");
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        if (!t->options.engine[e])
            continue;
        text_addf(line, "$scope module %s $end\n", isa_engine_name((enum isa_engine)e));
        declare(line, "integer 32", used_id(t, core, e));
        text_addf(line, "%s-used $end\n", isa_engine_name((enum isa_engine)e));
        for (uint32_t i = 0; i < t->machine.slots[e]; i++) {
            declare(line, ((struct vcd *)t->state)->plain ? "integer 32" : "string 1", op_id(t, core, e, i));
            text_addf(line, "%s-%u $end\n", isa_engine_name((enum isa_engine)e), i);
        }
        text_add(line, "$upscope $end\n");
    }
    return flush(t);
}

/* A name that is shown like an earlier one is told apart by its address. */
static bool declare_names(struct trace *t, uint32_t program, uint32_t core, uint32_t *left)
{
    struct vcd *v = t->state;
    const struct prog *p = t->programs[program].prog;
    text_add(&v->line, "$scope module scratch");
    if (t->n_programs > 1) {
        text_add_n(&v->line, "_", 1);
        add_name(&v->line, t->programs[program].name);
    }
    text_add(&v->line, " $end\n");
    bool *repeated = find_repeated(p);
    bool good = repeated != NULL;
    for (size_t i = 0; good && i < p->names.n; i++) {
        const struct prog_name *name = &p->names.at[i];
        const uint32_t words = trace_words(t, name);
        for (uint32_t w = 0; good && w < words && *left; w++, --*left) {
            v->declared[program][name->address + w] = true;
            declare(&v->line, "reg 32", word_id(t, program, core, name->address + w));
            add_name(&v->line, name->name);
            if (repeated[i])
                text_addf(&v->line, "@%u", name->address);
            if (name->length > 1)
                text_addf(&v->line, "(%u)", w);
            text_add(&v->line, " [31:0] $end\n");
            good = flush(t);
        }
    }
    free(repeated);
    text_add(&v->line, "$upscope $end\n");
    return good && flush(t);
}

static bool allocate(struct trace *t)
{
    struct vcd *v = t->state;
    const uint32_t cores = t->machine.cores;
    v->now = calloc(cores, sizeof *v->now);
    v->shown = calloc(cores, sizeof *v->shown);
    v->declared = calloc(t->n_programs + 1, sizeof *v->declared);
    bool good = v->now && v->shown && v->declared;
    for (uint32_t i = 0; good && i < t->n_programs; i++) {
        v->declared[i] = calloc(t->named + (size_t)1, sizeof **v->declared);
        good = v->declared[i] != NULL;
    }
    for (uint32_t c = 0; good && c < cores; c++)
        v->now[c].pc = v->shown[c].pc = -1;
    return good;
}

static bool vcd_begin(struct trace *t)
{
    bool good = allocate(t);
    uint32_t left = MAX_WORDS;
    out_string(t->out, "$version sheaf $end\n$comment a time step is a cycle $end\n$timescale 1 us $end\n");
    for (uint32_t c = 0; good && c < t->machine.cores; c++) {
        text_addf(&((struct vcd *)t->state)->line, "$scope module core%u $end\n", c);
        good = declare_engines(t, c);
        for (uint32_t p = 0; good && p < t->n_programs; p++)
            good = declare_names(t, p, c, &left);
        out_string(t->out, "$upscope $end\n");
    }
    out_string(t->out, "$enddefinitions $end\n");
    return good;
}

/* Operations as numbers: for readers that hold to the standard, which has no texts. */
static bool plain_begin(struct trace *t)
{
    struct vcd *v = t->state;
    v->plain = true;
    text_add(&v->line, "$comment operations: 0 none");
    for (unsigned op = 0; op < ISA_OPS; op++)
        text_addf(&v->line, "; %u %s %s", op + 1, isa_engine_name(isa_info((enum isa_op)op)->engine),
                  isa_info((enum isa_op)op)->name);
    text_add(&v->line, " $end\n");
    return flush(t) && vcd_begin(t);
}

/* --- values ----------------------------------------------------------------------------- */

static void add_number(struct text *line, uint64_t value, uint64_t id)
{
    char bits[66], *at = bits + sizeof bits;
    do
        *--at = (char)('0' + (value & 1));
    while (value >>= 1);
    *--at = 'b';
    text_add_n(line, at, (size_t)(bits + sizeof bits - at));
    text_add_n(line, " ", 1);
    add_id(line, id);
    text_add_n(line, "\n", 1);
}

static void add_unknown(struct text *line, uint64_t id)
{
    text_add(line, "bx ");
    add_id(line, id);
    text_add_n(line, "\n", 1);
}

static void add_op(struct text *line, uint8_t op, uint64_t id, bool plain)
{
    if (plain) {
        add_number(line, op, id);
        return;
    }
    text_add_n(line, "s", 1);
    text_add(line, op ? isa_info((enum isa_op)(op - 1))->name : ".");
    text_add_n(line, " ", 1);
    add_id(line, id);
    text_add_n(line, "\n", 1);
}

static void go_to(struct trace *t, uint64_t time)
{
    struct vcd *v = t->state;
    if (v->started && v->time == time)
        return;
    text_add_n(&v->line, "#", 1);
    print_int(&v->line, (int64_t)time);
    text_add_n(&v->line, "\n", 1);
    v->time = time;
    v->started = true;
}

/* What the core does, where it is not shown so yet, or all of it. */
static void show(struct trace *t, uint32_t core, bool all)
{
    struct vcd *v = t->state;
    const struct core *now = &v->now[core];
    struct core *shown = &v->shown[core];
    if (all || now->pc != shown->pc) {
        if (now->pc < 0)
            add_unknown(&v->line, pc_id(core));
        else
            add_number(&v->line, (uint64_t)now->pc, pc_id(core));
    }
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        if (!t->options.engine[e])
            continue;
        if (all || now->used[e] != shown->used[e])
            add_number(&v->line, now->used[e], used_id(t, core, e));
        for (uint32_t i = 0; i < t->machine.slots[e]; i++)
            if (all || now->op[e][i] != shown->op[e][i])
                add_op(&v->line, now->op[e][i], op_id(t, core, e, i), v->plain);
    }
    *shown = *now;
}

/* The words of a program: as they are in the machine, or unknown where there is none yet. */
static void show_words(struct trace *t, uint32_t program, const struct sim *s)
{
    struct vcd *v = t->state;
    for (uint32_t c = 0; c < t->machine.cores; c++)
        for (uint32_t w = 0; w < t->named; w++) {
            if (!v->declared[program][w])
                continue;
            if (s)
                add_number(&v->line, s->cores[c].scratch[w], word_id(t, program, c, w));
            else
                add_unknown(&v->line, word_id(t, program, c, w));
        }
}

static bool vcd_start(struct trace *t, uint32_t program, uint64_t cycle, const struct sim *s)
{
    struct vcd *v = t->state;
    const bool first = !v->started;
    go_to(t, cycle);
    if (first)
        text_add(&v->line, "$dumpvars\n");
    for (uint32_t c = 0; first && c < t->machine.cores; c++)
        show(t, c, true);
    for (uint32_t i = 0; i < t->n_programs; i++)
        if (i == program || first)
            show_words(t, i, i == program ? s : NULL);
    if (first)
        text_add(&v->line, "$end\n");
    return flush(t);
}

static bool vcd_bundle(struct trace *t, const struct trace_bundle *b)
{
    struct vcd *v = t->state;
    struct core *core = &v->now[b->core];
    const struct prog *p = t->programs[b->program].prog;
    if (b->bundle != TRACE_NONE)
        core->pc = b->bundle;
    for (size_t i = 0; i < b->n_slot; i++) {
        const struct trace_slot *s = &b->slot[i];
        core->op[s->engine][s->number] = (uint8_t)(p->slots.at[s->slot].op + 1);
        core->used[s->engine]++;
    }
    for (size_t i = 0; i < b->n_write; i++) {
        const int64_t word = b->write[i].address;
        if (word < t->named && v->declared[b->program][word])
            add_number(&v->later, b->scratch[word], word_id(t, b->program, b->core, (uint64_t)word));
    }
    return text_ok(&v->later);
}

static bool vcd_cycle(struct trace *t)
{
    struct vcd *v = t->state;
    go_to(t, t->cycle);
    for (uint32_t c = 0; c < t->machine.cores; c++) {
        show(t, c, false);
        v->now[c] = (struct core){.pc = -1};
    }
    if (v->later.n) {
        go_to(t, t->cycle + 1);
        text_add_n(&v->line, v->later.at, v->later.n);
        v->later.n = 0;
    }
    return flush(t);
}

static bool vcd_end(struct trace *t)
{
    if (!t->any)
        return true;
    go_to(t, t->cycle + 1);
    for (uint32_t c = 0; c < t->machine.cores; c++)
        show(t, c, false);
    return flush(t);
}

static void vcd_release(struct trace *t)
{
    struct vcd *v = t->state;
    for (uint32_t i = 0; v->declared && i < t->n_programs; i++)
        free(v->declared[i]);
    free(v->declared);
    free(v->now);
    free(v->shown);
    text_free(&v->line);
    text_free(&v->later);
}

const struct trace_format trace_vcd_plain = {
    .size = sizeof(struct vcd),
    .begin = plain_begin,
    .start = vcd_start,
    .bundle = vcd_bundle,
    .cycle = vcd_cycle,
    .end = vcd_end,
    .release = vcd_release,
};

const struct trace_format trace_vcd = {
    .size = sizeof(struct vcd),
    .begin = vcd_begin,
    .start = vcd_start,
    .bundle = vcd_bundle,
    .cycle = vcd_cycle,
    .end = vcd_end,
    .release = vcd_release,
};

_Static_assert(OP_IGNORED < UINT8_MAX, "an operation and one more fit a byte");
