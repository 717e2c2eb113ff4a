#include "traces/formats/trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/program/print.h"

/* A program's names by address, so that those that cover a word are found from the right:
 * `reach` is the farthest end of the names up to here. */
struct named {
    uint32_t name; /* an index into prog->names */
    uint32_t address, end, reach;
};

struct names {
    struct named *at;
    size_t n;
    uint64_t *stamp; /* by name: the serial of the last bundle that wrote to it */
};

struct trace_tracks {
    struct names *names; /* by program */
    uint32_t *scratch;   /* of every core, after the last bundle: trace.named words */
    uint64_t serial;     /* of the bundle at work */
    VEC(struct trace_slot) slots;
    VEC(uint32_t) written;
    VEC(struct sim_commit) committed; /* in the cycle at work, to scratch */
    VEC(struct sim_write) writes;     /* of them those of one core */
    uint64_t base;                    /* cycles of the programs before */
    uint64_t stop;                    /* options.to, or the limit */
    uint32_t program;
    bool open; /* bundles of trace.cycle were told, cycle was not */
    bool no_memory;
};

uint32_t trace_words(const struct trace *t, const struct prog_name *name)
{
    const uint32_t scratch = t->machine.scratch;
    if (name->address >= scratch)
        return 0;
    return name->length < scratch - name->address ? name->length : scratch - name->address;
}

uint32_t trace_slot_track(const struct trace *t, uint32_t core, unsigned engine, uint32_t number)
{
    uint32_t before = 0, all = 0;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        before += e < engine ? t->machine.slots[e] : 0;
        all += t->machine.slots[e];
    }
    return core * all + before + number;
}

uint64_t trace_name_track(const struct trace *t, uint32_t program, uint32_t core, uint32_t name)
{
    uint64_t before = 0;
    for (uint32_t i = 0; i < program; i++)
        before += t->programs[i].prog->names.n * t->machine.cores;
    return before + core * t->programs[program].prog->names.n + name;
}

void trace_scratch_title(const struct trace *t, uint32_t program, uint32_t core, struct text *out)
{
    text_addf(out, "Core %u Scratch", core);
    if (t->n_programs > 1)
        text_addf(out, ", %s", t->programs[program].name);
}

/* --- names ----------------------------------------------------------------------- */

static int by_address(const void *left, const void *right)
{
    const struct named *a = left, *b = right;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return (a->name > b->name) - (a->name < b->name);
}

static bool index_names(const struct trace *t, const struct prog *p, struct names *names)
{
    names->at = calloc(p->names.n + 1, sizeof *names->at);
    names->stamp = calloc(p->names.n + 1, sizeof *names->stamp);
    if (!names->at || !names->stamp)
        return false;
    names->n = p->names.n;
    for (uint32_t i = 0; i < names->n; i++) {
        const struct prog_name *name = &p->names.at[i];
        names->at[i] = (struct named){i, name->address, name->address + trace_words(t, name), 0};
    }
    qsort(names->at, names->n, sizeof *names->at, by_address);
    uint32_t reach = 0;
    for (size_t i = 0; i < names->n; i++) {
        reach = names->at[i].end > reach ? names->at[i].end : reach;
        names->at[i].reach = reach;
    }
    return true;
}

/* Adds the names that cover a word, but for those that the bundle has written to already. */
static bool find_names(struct trace_tracks *k, struct names *names, uint32_t word)
{
    size_t low = 0, high = names->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (names->at[middle].address <= word)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i-- > 0 && names->at[i].reach > word;) {
        const struct named *n = &names->at[i];
        if (n->end <= word || names->stamp[n->name] == k->serial)
            continue;
        names->stamp[n->name] = k->serial;
        if (!vec_push(&k->written, n->name))
            return false;
    }
    return true;
}

void trace_values(const struct trace *t, const struct trace_bundle *b, uint32_t name, struct text *out)
{
    const struct prog_name *n = &t->programs[b->program].prog->names.at[name];
    const uint32_t words = trace_words(t, n);
    if (words <= ISA_MAX_VLEN) {
        for (uint32_t i = 0; i < words; i++) {
            text_add_n(out, ", ", i ? 2 : 0);
            print_int(out, b->scratch[n->address + i]);
        }
        return;
    }
    bool more = false;
    for (size_t i = 0; i < b->n_write; i++) {
        const int64_t at = b->write[i].address - n->address;
        if (at < 0 || at >= words)
            continue;
        text_add(out, more ? ", [" : "[");
        print_int(out, at);
        text_add(out, "] ");
        print_int(out, b->scratch[b->write[i].address]);
        more = true;
    }
}

void trace_noted_value(const struct trace *t, uint32_t program, uint32_t slot, struct text *out)
{
    const struct prog *p = t->programs[program].prog;
    const struct prog_note *note = p->notes.n ? &p->notes.at[slot] : NULL;
    if (!note || !note->value)
        return;
    text_add(out, note->value);
    if (note->word)
        text_addf(out, "+%u", note->word);
}

void trace_wrote(const struct trace_slot *s, struct text *out)
{
    for (size_t i = 0; i < s->n_write; i++) {
        text_add_n(out, ", ", i ? 2 : 0);
        print_int(out, s->write[i].value);
    }
}

/* --- bundles ---------------------------------------------------------------------- */

/* The writes that are the slot's lead those left. */
static const struct sim_write *take(const struct sim_write **left, const struct sim_write *end, uint32_t slot,
                                    size_t *n)
{
    const struct sim_write *first = *left;
    while (*left < end && (*left)->slot == slot)
        ++*left;
    *n = (size_t)(*left - first);
    return first;
}

static bool list_slots(struct trace *t, const struct sim_bundle *b)
{
    struct trace_tracks *k = t->tracks;
    const struct prog *p = b->sim->prog;
    const struct prog_span groups = prog_groups(p, b->bundle);
    const struct sim_write *scratch = b->scratch, *mem = b->mem;
    k->slots.n = 0;
    for (uint32_t g = groups.begin; g < groups.end; g++) {
        const struct prog_span span = prog_slots(p, g);
        for (uint32_t i = span.begin; i < span.end; i++) {
            const struct isa_slot *s = &p->slots.at[i];
            const bool store = isa_is_store((enum isa_op)s->op);
            struct trace_slot slot = {.slot = i, .engine = s->engine, .number = (uint8_t)(i - span.begin)};
            slot.write = store ? take(&mem, b->mem + b->n_mem, i, &slot.n_write)
                               : take(&scratch, b->scratch + b->n_scratch, i, &slot.n_write);
            slot.memory = isa_is_access((enum isa_op)s->op);
            if (slot.memory) {
                const struct isa_effects fx = isa_effects(s, t->machine.vlen);
                slot.address = b->sim->cores[b->core].scratch[fx.read[0].first];
            }
            if (s->engine != ENGINE_DEBUG && t->options.engine[s->engine] && !vec_push(&k->slots, slot))
                return false;
        }
    }
    return true;
}

/* Lets the writes commit in the copy of scratch, and lists the names they belong to. */
static bool list_names(struct trace *t, const struct sim_write *writes, size_t n, uint32_t *scratch)
{
    struct trace_tracks *k = t->tracks;
    k->serial++;
    k->written.n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct sim_write *w = &writes[i];
        if (w->address >= t->named)
            continue;
        scratch[w->address] = w->value;
        if (!find_names(k, &k->names[k->program], (uint32_t)w->address))
            return false;
    }
    return true;
}

/* What a core's writes that committed in the cycle have changed. */
static bool write_committed(struct trace *t, uint32_t core)
{
    struct trace_tracks *k = t->tracks;
    uint32_t *scratch = k->scratch + (size_t)core * t->named;
    k->writes.n = 0;
    for (size_t i = 0; i < k->committed.n; i++) {
        const struct sim_commit *l = &k->committed.at[i];
        if (l->core == core && !vec_push(&k->writes, (struct sim_write){l->address, l->value, l->slot}))
            return false;
    }
    if (!list_names(t, k->writes.at, k->writes.n, scratch))
        return false;
    const struct trace_bundle bundle = {
        .program = k->program,
        .core = core,
        .bundle = TRACE_NONE,
        .name = k->written.at,
        .n_name = k->written.n,
        .write = k->writes.at,
        .n_write = k->writes.n,
        .scratch = scratch,
    };
    return !k->open || !k->writes.n || t->format->bundle(t, &bundle);
}

static bool close_cycle(struct trace *t)
{
    struct trace_tracks *k = t->tracks;
    for (uint32_t c = 0; k->committed.n && c < t->machine.cores; c++)
        if (!write_committed(t, c))
            return false;
    k->committed.n = 0;
    const bool open = k->open;
    k->open = false;
    return !open || !t->format->cycle || t->format->cycle(t);
}

static bool write_bundle(struct trace *t, const struct sim_bundle *b)
{
    struct trace_tracks *k = t->tracks;
    const uint64_t cycle = k->base + b->sim->cycle;
    uint32_t *scratch = k->scratch + (size_t)b->core * t->named;
    if (t->cycle != cycle && !close_cycle(t))
        return false;
    t->cycle = cycle;
    t->any = k->open = true;
    const size_t n_write = isa_machine_waits(&t->machine) ? 0 : b->n_scratch;
    if (!list_slots(t, b) || !list_names(t, b->scratch, n_write, scratch))
        return false;
    const struct trace_bundle bundle = {
        .program = k->program,
        .core = b->core,
        .bundle = b->bundle,
        .slot = k->slots.at,
        .n_slot = k->slots.n,
        .name = k->written.at,
        .n_name = k->written.n,
        .write = b->scratch,
        .n_write = n_write,
        .scratch = scratch,
    };
    return t->format->bundle(t, &bundle);
}

static void watch(void *user, const struct sim_bundle *b)
{
    struct trace *t = user;
    if (!t->tracks->no_memory && prog_costs_cycle(b->sim->prog, b->bundle))
        t->tracks->no_memory = !write_bundle(t, b);
}

static void watch_commit(void *user, const struct sim_commit *l)
{
    struct trace *t = user;
    if (!l->in_memory && !t->tracks->no_memory)
        t->tracks->no_memory = !vec_push(&t->tracks->committed, *l);
}

/* --- a trace ---------------------------------------------------------------------- */

static bool prepare(struct trace *t)
{
    struct trace_tracks *k = t->tracks = calloc(1, sizeof *k);
    t->state = calloc(1, t->format->size + 1);
    if (!k || !t->state)
        return false;
    k->stop = t->options.to < t->options.limit ? t->options.to : t->options.limit;
    k->names = calloc(t->n_programs + 1, sizeof *k->names);
    bool good = k->names != NULL;
    for (uint32_t i = 0; good && i < t->n_programs; i++) {
        const struct names *names = &k->names[i];
        good = index_names(t, t->programs[i].prog, &k->names[i]);
        if (good && names->n && names->at[names->n - 1].reach > t->named)
            t->named = names->at[names->n - 1].reach;
    }
    k->scratch = calloc((size_t)t->machine.cores * t->named + 1, sizeof *k->scratch);
    return good && k->scratch && t->format->begin(t);
}

enum status trace_create(struct trace **out, const struct trace_format *format,
                         const struct trace_options *options, const struct isa_machine *m,
                         const struct trace_program *programs, uint32_t n_programs, struct out *to,
                         struct diag *d)
{
    *out = NULL;
    struct trace *t = calloc(1, sizeof *t);
    if (t) {
        t->format = format;
        t->options = *options;
        t->machine = *m;
        t->programs = programs;
        t->n_programs = n_programs;
        t->out = to;
    }
    if (!t || !prepare(t)) {
        trace_destroy(t);
        return diag_set(d, ST_NOMEM, "out of memory for the trace");
    }
    *out = t;
    return ST_OK;
}

void trace_destroy(struct trace *t)
{
    if (!t)
        return;
    struct trace_tracks *k = t->tracks;
    if (t->state && t->format->release)
        t->format->release(t);
    for (uint32_t i = 0; k && k->names && i < t->n_programs; i++) {
        free(k->names[i].at);
        free(k->names[i].stamp);
    }
    if (k) {
        free(k->names);
        free(k->scratch);
        vec_free(&k->slots);
        vec_free(&k->written);
        vec_free(&k->committed);
        vec_free(&k->writes);
    }
    free(k);
    free(t->state);
    free(t);
}

bool trace_goes_on(const struct trace *t)
{
    return t->tracks->base < t->tracks->stop && !t->out->failed && !t->tracks->no_memory;
}

static bool runs(enum sim_end end)
{
    return end == SIM_MORE || end == SIM_PAUSED;
}

static bool begin_program(struct trace *t, uint32_t program, const struct sim *s)
{
    struct trace_tracks *k = t->tracks;
    const size_t words = t->named;
    /* The last program's last cycle is over before the machine is another. */
    if (!close_cycle(t))
        return false;
    k->program = program;
    for (uint32_t c = 0; c < t->machine.cores; c++)
        if (words)
            memcpy(k->scratch + c * words, s->cores[c].scratch, words * sizeof *k->scratch);
    return !t->format->start || t->format->start(t, program, k->base + s->cycle, s);
}

enum status trace_run(struct trace *t, uint32_t program, struct sim *s, struct diag *d)
{
    enum { CHUNK = 4096 }; /* rounds, of which each is at most one cycle */
    struct trace_tracks *k = t->tracks;
    const struct sim_sink sink = {.bundle = watch, .user = t, .commit = watch_commit};
    enum sim_end end = SIM_MORE;
    while (runs(end) && k->base + s->cycle < t->options.from)
        end = sim_step(s, t->options.from - k->base - s->cycle);
    k->no_memory = k->no_memory || !begin_program(t, program, s);
    sim_observe(s, &sink);
    while (runs(end) && k->base + s->cycle < k->stop && !t->out->failed && !k->no_memory) {
        const uint64_t left = k->stop - k->base - s->cycle;
        end = sim_step(s, left < CHUNK ? left : CHUNK);
    }
    sim_observe(s, NULL);
    k->base += s->cycle;
    if (k->no_memory)
        return diag_set(d, ST_NOMEM, "out of memory for the trace");
    if (runs(end) && k->stop < t->options.to && k->base >= k->stop)
        return diag_set(d, ST_LIMIT, "the trace ends after %" PRIu64 " cycles, the program goes on", k->stop);
    return ST_OK;
}

enum status trace_end(struct trace *t, struct diag *d)
{
    if (!close_cycle(t) || !t->format->end(t))
        return diag_set(d, ST_NOMEM, "out of memory for the trace");
    return ST_OK;
}
