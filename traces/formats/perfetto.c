/* Perfetto's TrackEvent (protos/perfetto/trace in the Perfetto project, which gives the field
 * numbers): a process for each core with a thread for each slot and a counter of the slots used
 * for each engine, and a process with a track for each named variable. Texts that come again
 * are written once and referred to. A cycle is a microsecond; times are in nanoseconds. */
#include <stdlib.h>

#include "traces/formats/proto.h"
#include "traces/formats/trace.h"

enum { NS_PER_CYCLE = 1000, FIRST_THREAD = 100000 };

/* Field numbers, by message. */
enum { TRACE_PACKET = 1 };
enum {
    PACKET_TIMESTAMP = 8,
    PACKET_SEQUENCE = 10,
    PACKET_EVENT = 11,
    PACKET_INTERNED = 12,
    PACKET_FLAGS = 13,
    PACKET_DESCRIPTOR = 60
};
enum { FLAG_CLEARED = 1, FLAG_NEEDS_STATE = 2 };
enum {
    DESCRIPTOR_UUID = 1,
    DESCRIPTOR_NAME = 2,
    DESCRIPTOR_PROCESS = 3,
    DESCRIPTOR_THREAD = 4,
    DESCRIPTOR_PARENT = 5,
    DESCRIPTOR_COUNTER = 8
};
enum { PROCESS_PID = 1, PROCESS_NAME = 6 };
enum { THREAD_PID = 1, THREAD_TID = 2, THREAD_NAME = 5 };
enum { COUNTER_UNIT_NAME = 6 };
enum {
    EVENT_ANNOTATIONS = 4,
    EVENT_TYPE = 9,
    EVENT_NAME_IID = 10,
    EVENT_TRACK = 11,
    EVENT_NAME = 23,
    EVENT_COUNTER = 30
};
enum { TYPE_BEGIN = 1, TYPE_END = 2, TYPE_COUNTER = 4 };
enum { ANNOTATION_NAME_IID = 1, ANNOTATION_NUMBER = 3, ANNOTATION_STRING = 6, ANNOTATION_STRING_IID = 17 };
enum { INTERNED_EVENT_NAMES = 2, INTERNED_ANNOTATION_NAMES = 3, INTERNED_STRINGS = 29 };
enum { INTERN_IID = 1, INTERN_TEXT = 2 };

/* What is told of a slot; the number of its interned name is this plus one. */
enum about {
    ABOUT_NAMED,
    ABOUT_STAGE,
    ABOUT_VALUE,
    ABOUT_TEXTS, /* those before are interned, three numbers for each slot */
    ABOUT_BUNDLE = ABOUT_TEXTS,
    ABOUT_ADDRESS,
    ABOUT_WROTE,
    ABOUT_ROUND,
    ABOUT_STRAND,
    ABOUTS
};

struct perfetto {
    struct text framed, packet, message, part; /* at work, each inside the one before */
    struct text interned, entry;               /* texts that come with the packet */
    struct text string;
    uint32_t *first_slot; /* by program: the slots of those before */
    uint8_t *known;       /* by slot, of all programs: 0, or which texts it has, interned */
    VEC(uint64_t) open;   /* tracks with a slice of this cycle */
    /* By core, slots used in this cycle, and as the counters were last written. */
    uint32_t (*used)[ENGINE_DEBUG], (*shown)[ENGINE_DEBUG];
};

/* --- tracks: numbered without gaps, those with the most events first --------------- */

static uint64_t slot_track(const struct trace *t, uint32_t core, unsigned engine, uint32_t number)
{
    return 1 + trace_slot_track(t, core, engine, number);
}

static uint64_t counter_track(const struct trace *t, uint32_t core, unsigned engine)
{
    return slot_track(t, t->machine.cores, 0, 0) + core * ENGINE_DEBUG + engine;
}

/* `process` counts from 0: the cores, then for each program the scratch of the cores. */
static uint64_t process_track(const struct trace *t, uint32_t process)
{
    return counter_track(t, t->machine.cores, 0) + process;
}

static uint32_t scratch_process(const struct trace *t, uint32_t program, uint32_t core)
{
    return t->machine.cores * (1 + program) + core;
}

static uint64_t name_track(const struct trace *t, uint32_t program, uint32_t core, uint32_t name)
{
    return process_track(t, scratch_process(t, t->n_programs, 0)) + trace_name_track(t, program, core, name);
}

/* --- packets ----------------------------------------------------------------------- */

static bool send(struct trace *t, unsigned flags)
{
    struct perfetto *p = t->state;
    proto_number(&p->packet, PACKET_SEQUENCE, 1);
    if (flags)
        proto_number(&p->packet, PACKET_FLAGS, flags);
    if (p->interned.n || p->interned.failed)
        proto_message(&p->packet, PACKET_INTERNED, &p->interned);
    proto_message(&p->framed, TRACE_PACKET, &p->packet);
    const bool good = text_ok(&p->framed);
    out_text(t->out, &p->framed);
    return good;
}

/* The event made in `message`. */
static bool send_event(struct trace *t, uint64_t cycle)
{
    struct perfetto *p = t->state;
    proto_number(&p->packet, PACKET_TIMESTAMP, cycle * NS_PER_CYCLE);
    proto_message(&p->packet, PACKET_EVENT, &p->message);
    return send(t, FLAG_NEEDS_STATE);
}

static void begin_event(struct perfetto *p, unsigned type, uint64_t track)
{
    proto_number(&p->message, EVENT_TYPE, type);
    proto_number(&p->message, EVENT_TRACK, track);
}

static void intern(struct perfetto *p, unsigned kind, uint64_t iid, const char *s)
{
    proto_number(&p->entry, INTERN_IID, iid);
    proto_string(&p->entry, INTERN_TEXT, s);
    proto_message(&p->interned, kind, &p->entry);
}

/* --- the head: what tracks there are ------------------------------------------------- */

/* A track; `part` is the message that says of what kind, a field of that number, or none. */
static bool describe(struct trace *t, uint64_t track, uint64_t parent, const char *name, unsigned kind)
{
    struct perfetto *p = t->state;
    proto_number(&p->message, DESCRIPTOR_UUID, track);
    proto_string(&p->message, DESCRIPTOR_NAME, name);
    if (parent)
        proto_number(&p->message, DESCRIPTOR_PARENT, parent);
    if (kind)
        proto_message(&p->message, kind, &p->part);
    proto_message(&p->packet, PACKET_DESCRIPTOR, &p->message);
    p->string.n = 0;
    return send(t, 0);
}

/* In viewers the number 0 means no process: they count from 1. */
static bool describe_process(struct trace *t, uint32_t process)
{
    struct perfetto *p = t->state;
    if (!text_ok(&p->string))
        return false;
    proto_number(&p->part, PROCESS_PID, process + 1);
    proto_string(&p->part, PROCESS_NAME, p->string.at);
    return describe(t, process_track(t, process), 0, p->string.at, DESCRIPTOR_PROCESS);
}

static bool describe_slot(struct trace *t, uint32_t core, unsigned engine, uint32_t number)
{
    struct perfetto *p = t->state;
    text_addf(&p->string, "%s-%u", isa_engine_name((enum isa_engine)engine), number);
    if (!text_ok(&p->string))
        return false;
    proto_number(&p->part, THREAD_PID, core + 1);
    proto_number(&p->part, THREAD_TID, FIRST_THREAD + trace_slot_track(t, core, engine, number));
    proto_string(&p->part, THREAD_NAME, p->string.at);
    return describe(t, slot_track(t, core, engine, number), process_track(t, core), p->string.at,
                    DESCRIPTOR_THREAD);
}

static bool describe_counter(struct trace *t, uint32_t core, unsigned engine)
{
    struct perfetto *p = t->state;
    text_addf(&p->string, "%s slots", isa_engine_name((enum isa_engine)engine));
    if (!text_ok(&p->string))
        return false;
    proto_string(&p->part, COUNTER_UNIT_NAME, "slots");
    return describe(t, counter_track(t, core, engine), process_track(t, core), p->string.at,
                    DESCRIPTOR_COUNTER);
}

static bool describe_core(struct trace *t, uint32_t core)
{
    text_addf(&((struct perfetto *)t->state)->string, "Core %u", core);
    bool good = describe_process(t, core);
    for (unsigned e = 0; good && e < ENGINE_DEBUG; e++) {
        if (!t->options.engine[e])
            continue;
        good = describe_counter(t, core, e);
        for (uint32_t i = 0; good && i < t->machine.slots[e]; i++)
            good = describe_slot(t, core, e, i);
    }
    return good;
}

static bool describe_names(struct trace *t, uint32_t program, uint32_t core)
{
    struct perfetto *p = t->state;
    const struct prog *of = t->programs[program].prog;
    const uint32_t process = scratch_process(t, program, core);
    trace_scratch_title(t, program, core, &p->string);
    bool good = describe_process(t, process);
    for (uint32_t i = 0; good && i < of->names.n; i++) {
        text_addf(&p->string, "%s-%u", of->names.at[i].name, of->names.at[i].length);
        good = text_ok(&p->string) &&
               describe(t, name_track(t, program, core, i), process_track(t, process), p->string.at, 0);
    }
    return good;
}

/* The first packet: nothing is known before it; the names of operations and of annotations. */
static bool intern_names(struct trace *t)
{
    static const char *const names[ABOUTS] = {
        [ABOUT_NAMED] = "named",   [ABOUT_STAGE] = "stage",     [ABOUT_VALUE] = "value",
        [ABOUT_BUNDLE] = "bundle", [ABOUT_ADDRESS] = "address", [ABOUT_WROTE] = "wrote",
        [ABOUT_ROUND] = "round",   [ABOUT_STRAND] = "strand",
    };
    struct perfetto *p = t->state;
    for (unsigned op = 0; op < ISA_OPS; op++)
        intern(p, INTERNED_EVENT_NAMES, op + 1, isa_info((enum isa_op)op)->name);
    for (unsigned i = 0; i < ABOUTS; i++)
        intern(p, INTERNED_ANNOTATION_NAMES, i + 1, names[i]);
    return send(t, FLAG_CLEARED | FLAG_NEEDS_STATE);
}

static bool perfetto_begin(struct trace *t)
{
    struct perfetto *p = t->state;
    const uint32_t cores = t->machine.cores;
    size_t slots = 0;
    p->first_slot = calloc(t->n_programs + 1, sizeof *p->first_slot);
    for (uint32_t i = 0; p->first_slot && i < t->n_programs; i++) {
        p->first_slot[i] = (uint32_t)slots;
        slots += t->programs[i].prog->slots.n;
    }
    p->known = calloc(slots + 1, sizeof *p->known);
    p->used = calloc(cores, sizeof *p->used);
    p->shown = calloc(cores, sizeof *p->shown);
    bool good = p->first_slot && p->known && p->used && p->shown && intern_names(t);
    for (uint32_t c = 0; good && c < cores; c++)
        good = describe_core(t, c);
    for (uint32_t i = 0; good && i < t->n_programs; i++)
        for (uint32_t c = 0; good && c < cores; c++)
            good = describe_names(t, i, c);
    return good;
}

/* --- events ------------------------------------------------------------------------- */

static void annotate(struct perfetto *p, enum about about, unsigned kind, uint64_t value)
{
    proto_number(&p->part, ANNOTATION_NAME_IID, about + 1u);
    proto_number(&p->part, kind, value);
    proto_message(&p->message, EVENT_ANNOTATIONS, &p->part);
}

/* Interns a text of a slot that was made in `string`, if there is one. */
static void intern_text(struct perfetto *p, enum about about, uint64_t slot)
{
    if (p->string.n) {
        intern(p, INTERNED_STRINGS, slot * ABOUT_TEXTS + about + 1, p->string.at);
        p->known[slot] = (uint8_t)(p->known[slot] | 1u << about);
    }
    p->string.n = 0;
}

/* Texts are made when a slot is seen first. */
static void annotate_texts(const struct trace *t, uint32_t program, uint32_t slot)
{
    enum { SEEN = 1 << ABOUT_TEXTS };
    struct perfetto *p = t->state;
    const struct prog *of = t->programs[program].prog;
    const uint64_t number = (uint64_t)p->first_slot[program] + slot;
    if (!p->known[number]) {
        prog_slot_text(of, &of->slots.at[slot], &p->string);
        intern_text(p, ABOUT_NAMED, number);
        if (of->notes.n && of->notes.at[slot].stage != PROG_NO_STAGE)
            text_add(&p->string, of->stages.at[of->notes.at[slot].stage]);
        intern_text(p, ABOUT_STAGE, number);
        trace_noted_value(t, program, slot, &p->string);
        intern_text(p, ABOUT_VALUE, number);
        p->known[number] |= SEEN;
    }
    for (unsigned about = 0; about < ABOUT_TEXTS; about++)
        if (p->known[number] >> about & 1)
            annotate(p, (enum about)about, ANNOTATION_STRING_IID, number * ABOUT_TEXTS + about + 1);
}

static bool slot_event(struct trace *t, const struct trace_bundle *b, const struct trace_slot *s)
{
    struct perfetto *p = t->state;
    const struct prog *of = t->programs[b->program].prog;
    const uint64_t track = slot_track(t, b->core, s->engine, s->number);
    begin_event(p, TYPE_BEGIN, track);
    proto_number(&p->message, EVENT_NAME_IID, of->slots.at[s->slot].op + 1u);
    annotate_texts(t, b->program, s->slot);
    annotate(p, ABOUT_BUNDLE, ANNOTATION_NUMBER, b->bundle);
    if (s->memory)
        annotate(p, ABOUT_ADDRESS, ANNOTATION_NUMBER, s->address);
    if (s->n_write) {
        trace_wrote(s, &p->string);
        proto_number(&p->part, ANNOTATION_NAME_IID, ABOUT_WROTE + 1);
        proto_bytes(&p->part, ANNOTATION_STRING, p->string.n ? p->string.at : "", p->string.n);
        proto_message(&p->message, EVENT_ANNOTATIONS, &p->part);
        p->string.n = 0;
    }
    if (of->notes.n) {
        const struct prog_note *note = &of->notes.at[s->slot];
        annotate(p, ABOUT_ROUND, ANNOTATION_NUMBER, note->round);
        if (note->strand != PROG_ALL_STRANDS)
            annotate(p, ABOUT_STRAND, ANNOTATION_NUMBER, note->strand);
    }
    p->used[b->core][s->engine]++;
    return text_ok(&p->string) && send_event(t, t->cycle) && vec_push(&p->open, track);
}

static bool name_event(struct trace *t, const struct trace_bundle *b, uint32_t name)
{
    struct perfetto *p = t->state;
    const uint64_t track = name_track(t, b->program, b->core, name);
    trace_values(t, b, name, &p->string);
    begin_event(p, TYPE_BEGIN, track);
    proto_bytes(&p->message, EVENT_NAME, p->string.n ? p->string.at : "", p->string.n);
    p->string.n = 0;
    return text_ok(&p->string) && send_event(t, t->cycle) && vec_push(&p->open, track);
}

static bool perfetto_bundle(struct trace *t, const struct trace_bundle *b)
{
    bool good = true;
    for (size_t i = 0; good && i < b->n_slot; i++)
        good = slot_event(t, b, &b->slot[i]);
    for (size_t i = 0; good && i < b->n_name; i++)
        good = name_event(t, b, b->name[i]);
    return good;
}

/* Counters where they are other than before; they stay until they are written again. */
static bool count(struct trace *t, uint64_t cycle)
{
    struct perfetto *p = t->state;
    bool good = true;
    for (uint32_t c = 0; c < t->machine.cores; c++)
        for (unsigned e = 0; good && e < ENGINE_DEBUG; e++) {
            if (p->used[c][e] != p->shown[c][e]) {
                begin_event(p, TYPE_COUNTER, counter_track(t, c, e));
                proto_number(&p->message, EVENT_COUNTER, p->used[c][e]);
                good = send_event(t, cycle);
            }
            p->shown[c][e] = p->used[c][e];
            p->used[c][e] = 0;
        }
    return good;
}

static bool perfetto_cycle(struct trace *t)
{
    struct perfetto *p = t->state;
    bool good = count(t, t->cycle);
    for (size_t i = 0; good && i < p->open.n; i++) {
        begin_event(p, TYPE_END, p->open.at[i]);
        good = send_event(t, t->cycle + 1);
    }
    p->open.n = 0;
    return good;
}

static bool perfetto_end(struct trace *t)
{
    return !t->any || count(t, t->cycle + 1);
}

static void perfetto_release(struct trace *t)
{
    struct perfetto *p = t->state;
    text_free(&p->framed);
    text_free(&p->packet);
    text_free(&p->message);
    text_free(&p->part);
    text_free(&p->interned);
    text_free(&p->entry);
    text_free(&p->string);
    vec_free(&p->open);
    free(p->first_slot);
    free(p->known);
    free(p->used);
    free(p->shown);
}

const struct trace_format trace_perfetto = {
    .size = sizeof(struct perfetto),
    .begin = perfetto_begin,
    .bundle = perfetto_bundle,
    .cycle = perfetto_cycle,
    .end = perfetto_end,
    .release = perfetto_release,
};
