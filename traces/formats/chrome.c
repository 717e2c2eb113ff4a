/* Chrome's Trace Event Format, the JSON list form ("Trace Event Format", the Chromium
 * project): what the tracer of the original machine writes, for the viewers people have.
 * A process for each core with a thread for each slot, and one with a thread for each
 * named variable; a cycle is a microsecond. */
#include "sim/base/json_out.h"
#include "sim/program/print.h"
#include "traces/formats/trace.h"

/* Thread numbers: of slots from 1, of variables from here. All are different, for there are
 * viewers that take a thread to be of one process only. */
enum { FIRST_VARIABLE = 100000 };

struct chrome {
    bool comma;
    struct text line, part; /* at work: an event, a string in it */
};

static uint64_t slot_thread(const struct trace *t, uint32_t core, unsigned engine, uint32_t number)
{
    return 1 + trace_slot_track(t, core, engine, number);
}

static uint64_t variable_thread(const struct trace *t, uint32_t program, uint32_t core, uint32_t name)
{
    return FIRST_VARIABLE + trace_name_track(t, program, core, name);
}

static uint64_t scratch_process(const struct trace *t, uint32_t program, uint32_t core)
{
    return (uint64_t)t->machine.cores * (1 + program) + core;
}

/* --- pieces of a line --------------------------------------------------------------- */

static void number(struct text *line, const char *key, uint64_t value)
{
    text_add(line, key);
    print_int(line, (int64_t)value);
}

static void begin(struct trace *t, const char *name)
{
    struct chrome *c = t->state;
    text_add(&c->line, c->comma ? ",\n{\"name\": " : "\n{\"name\": ");
    c->comma = true;
    json_quote(&c->line, name);
}

/* The event's place and time; its arguments or the closing brace follow. */
static void place(struct trace *t, const char *category, uint64_t process, uint64_t thread)
{
    struct text *line = &((struct chrome *)t->state)->line;
    text_add(line, ", \"cat\": \"");
    text_add(line, category);
    number(line, "\", \"ph\": \"X\", \"pid\": ", process);
    number(line, ", \"tid\": ", thread);
    number(line, ", \"ts\": ", t->cycle);
    text_add(line, ", \"dur\": 1");
}

static bool end_line(struct trace *t)
{
    struct chrome *c = t->state;
    text_add(&c->line, "}");
    const bool good = text_ok(&c->line);
    out_text(t->out, &c->line);
    return good;
}

/* --- the head: names of processes and threads --------------------------------------- */

static bool title(struct trace *t, const char *what, uint64_t process, uint64_t thread, const char *name)
{
    struct text *line = &((struct chrome *)t->state)->line;
    begin(t, what);
    number(line, ", \"ph\": \"M\", \"pid\": ", process);
    number(line, ", \"tid\": ", thread);
    text_add(line, ", \"args\": {\"name\": ");
    json_quote(line, name);
    text_add(line, "}");
    return end_line(t);
}

static bool name_slots(struct trace *t, uint32_t core, struct text *name)
{
    text_addf(name, "Core %u", core);
    bool good = text_ok(name) && title(t, "process_name", core, 0, name->at);
    for (unsigned e = 0; good && e < ENGINE_DEBUG; e++)
        for (uint32_t i = 0; good && t->options.engine[e] && i < t->machine.slots[e]; i++) {
            name->n = 0;
            text_addf(name, "%s-%u", isa_engine_name((enum isa_engine)e), i);
            good = text_ok(name) && title(t, "thread_name", core, slot_thread(t, core, e, i), name->at);
        }
    name->n = 0;
    return good;
}

static bool name_variables(struct trace *t, uint32_t program, uint32_t core, struct text *name)
{
    const struct prog *p = t->programs[program].prog;
    const uint64_t process = scratch_process(t, program, core);
    trace_scratch_title(t, program, core, name);
    bool good = text_ok(name) && title(t, "process_name", process, 0, name->at);
    for (uint32_t i = 0; good && i < p->names.n; i++) {
        name->n = 0;
        text_addf(name, "%s-%u", p->names.at[i].name, p->names.at[i].length);
        good =
            text_ok(name) && title(t, "thread_name", process, variable_thread(t, program, core, i), name->at);
    }
    name->n = 0;
    return good;
}

static bool chrome_begin(struct trace *t)
{
    struct text name = {0};
    bool good = true;
    out_string(t->out, "[");
    for (uint32_t c = 0; good && c < t->machine.cores; c++)
        good = name_slots(t, c, &name);
    for (uint32_t p = 0; good && p < t->n_programs; p++)
        for (uint32_t c = 0; good && c < t->machine.cores; c++)
            good = name_variables(t, p, c, &name);
    text_free(&name);
    return good;
}

/* --- events ------------------------------------------------------------------------- */

/* Moves a string that was made in `part` to the line. */
static void add_text(struct text *line, const char *key, struct text *part)
{
    text_add(line, key);
    json_quote(line, text_ok(part) && part->n ? part->at : "");
    line->failed = line->failed || part->failed;
    part->n = 0;
}

/* Where in the kernel the slot comes from, as far as its maker has said so. */
static void add_note(const struct trace *t, uint32_t program, uint32_t slot, struct text *line,
                     struct text *part)
{
    const struct prog *p = t->programs[program].prog;
    if (!p->notes.n)
        return;
    const struct prog_note *note = &p->notes.at[slot];
    if (note->stage != PROG_NO_STAGE) {
        text_add(line, ", \"stage\": ");
        json_quote(line, p->stages.at[note->stage]);
    }
    number(line, ", \"round\": ", note->round);
    if (note->strand != PROG_ALL_STRANDS)
        number(line, ", \"strand\": ", note->strand);
    trace_noted_value(t, program, slot, part);
    if (part->n)
        add_text(line, ", \"value\": ", part);
}

static bool slot_event(struct trace *t, const struct trace_bundle *b, const struct trace_slot *s,
                       struct text *part)
{
    const struct prog *p = t->programs[b->program].prog;
    const struct isa_slot *slot = &p->slots.at[s->slot];
    struct text *line = &((struct chrome *)t->state)->line;
    begin(t, isa_info((enum isa_op)slot->op)->name);
    place(t, isa_engine_name((enum isa_engine)s->engine), b->core,
          slot_thread(t, b->core, s->engine, s->number));
    prog_slot_json(p, slot, part);
    add_text(line, ", \"args\": {\"slot\": ", part);
    prog_slot_text(p, slot, part);
    add_text(line, ", \"named\": ", part);
    number(line, ", \"bundle\": ", b->bundle);
    if (s->memory)
        number(line, ", \"address\": ", s->address);
    trace_wrote(s, part);
    if (s->n_write)
        add_text(line, ", \"wrote\": ", part);
    add_note(t, b->program, s->slot, line, part);
    text_add(line, "}");
    return end_line(t);
}

static bool variable_event(struct trace *t, const struct trace_bundle *b, uint32_t name, struct text *part)
{
    trace_values(t, b, name, part);
    if (!text_ok(part) || !part->n)
        return text_ok(part);
    begin(t, part->at);
    part->n = 0;
    place(t, "scratch", scratch_process(t, b->program, b->core),
          variable_thread(t, b->program, b->core, name));
    return end_line(t);
}

static bool chrome_bundle(struct trace *t, const struct trace_bundle *b)
{
    struct text *part = &((struct chrome *)t->state)->part;
    bool good = true;
    for (size_t i = 0; good && i < b->n_slot; i++)
        good = slot_event(t, b, &b->slot[i], part);
    for (size_t i = 0; good && i < b->n_name; i++)
        good = variable_event(t, b, b->name[i], part);
    return good;
}

static bool chrome_end(struct trace *t)
{
    out_string(t->out, "\n]\n");
    return true;
}

static void chrome_release(struct trace *t)
{
    struct chrome *c = t->state;
    text_free(&c->line);
    text_free(&c->part);
}

const struct trace_format trace_chrome = {
    .size = sizeof(struct chrome),
    .begin = chrome_begin,
    .bundle = chrome_bundle,
    .end = chrome_end,
    .release = chrome_release,
};
