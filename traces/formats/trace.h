/* Traces: a run written down as it happens, in a format that others read. Nothing of the run
 * is kept, so that its length does not matter.
 *
 *     machine ──> bundle events ──> trace ──> format ──> out
 *                                     │
 *                                     ├─ the cycles and engines asked for
 *                                     └─ named variables written, their values
 *
 * Time is counted in cycles from the start of the first program; the programs of one trace
 * run one after the other, each on a machine of its own.
 */
#ifndef SHEAF_TRACES_FORMATS_TRACE_H
#define SHEAF_TRACES_FORMATS_TRACE_H

#include "sim/observe.h"
#include "traces/formats/out.h"

/* One of the programs of a trace; both borrowed. */
struct trace_program {
    const struct prog *prog;
    const char *name;
};

struct trace_options {
    uint64_t from, to; /* cycles [from, to); {0, UINT64_MAX} is all */
    uint64_t limit;    /* a program that goes on in this cycle is an error */
    bool engine[ENGINE_DEBUG];
};

/* An executed slot of the engines asked for. */
struct trace_slot {
    uint32_t slot; /* an index into prog->slots */
    uint8_t engine, number;
    bool memory;                   /* whether `address` means anything */
    uint32_t address;              /* the first memory word of a load or store */
    const struct sim_write *write; /* to scratch or, by a store, to memory */
    size_t n_write;
};

#define TRACE_NONE UINT32_MAX

/* A bundle that cost its core a cycle. On a machine with latencies it writes nothing; what commits in the
 * cycle comes after its bundles as one that executes nothing, for each core. */
struct trace_bundle {
    uint32_t program, core;
    uint32_t bundle; /* TRACE_NONE: nothing is executed */
    const struct trace_slot *slot;
    size_t n_slot;
    const uint32_t *name; /* that it wrote to: indices into prog->names, each once */
    size_t n_name;
    const struct sim_write *write; /* all to scratch, whatever the engine */
    size_t n_write;
    const uint32_t *scratch; /* of the core, after it: the first trace->named words */
};

struct trace;

/* A format; a trace's `state` begins as `size` zeroed bytes. Functions write to trace->out and
 * return false when out of memory; output has a failure of its own. In order: begin, then for each
 * cycle the bundles of its cores followed by cycle, then end. */
struct trace_format {
    size_t size;
    bool (*begin)(struct trace *t);
    /* Optional: the program of that number is seen from this cycle on, its machine as it is now. */
    bool (*start)(struct trace *t, uint32_t program, uint64_t cycle, const struct sim *s);
    bool (*bundle)(struct trace *t, const struct trace_bundle *b);
    bool (*cycle)(struct trace *t); /* optional: trace->cycle is over */
    bool (*end)(struct trace *t);
    void (*release)(struct trace *t); /* optional: frees what `state` points to */
};

extern const struct trace_format trace_chrome, trace_perfetto, trace_vcd, trace_vcd_plain;

struct trace_tracks; /* trace.c: which names a word belongs to */

/* For formats; others use the functions below. */
struct trace {
    const struct trace_format *format;
    struct trace_options options;
    struct isa_machine machine;
    const struct trace_program *programs;
    uint32_t n_programs;
    uint32_t named; /* scratch words up to the last one that has a name */
    struct out *out;
    void *state;
    uint64_t cycle; /* the one at work, or the last one */
    bool any;       /* whether there was one */
    struct trace_tracks *tracks;
};

/* Begins a trace, of programs that all run on a machine like `m`. All but `out` is borrowed until
 * trace_destroy. ST_OK, ST_NOMEM. */
enum status trace_create(struct trace **out, const struct trace_format *format,
                         const struct trace_options *options, const struct isa_machine *m,
                         const struct trace_program *programs, uint32_t n_programs, struct out *to,
                         struct diag *d);
void trace_destroy(struct trace *t);

/* Runs a machine at its start, whose program is programs[program], until it stops, faults (which is
 * ST_OK, see s->fault: all before it is in the trace), or there is no more to write: the window is
 * over, the output has failed. ST_OK, ST_NOMEM, ST_LIMIT. */
enum status trace_run(struct trace *t, uint32_t program, struct sim *s, struct diag *d);

/* Whether a later program may have anything to write. */
bool trace_goes_on(const struct trace *t);

/* Completes the format, whatever trace_run has said, and hands all to the output (whose own
 * failure is asked for with out_end). ST_OK, ST_NOMEM. */
enum status trace_end(struct trace *t, struct diag *d);

/* --- for formats ----------------------------------------------------------------- */

/* Numbers of tracks, each kind's from 0: a slot of a core, whatever the engines asked for; a name
 * of a program on a core. */
uint32_t trace_slot_track(const struct trace *t, uint32_t core, unsigned engine, uint32_t number);
uint64_t trace_name_track(const struct trace *t, uint32_t program, uint32_t core, uint32_t name);

/* Appends the title of the variables of a program on a core: "Core 0 Scratch", with the program's
 * name behind it where there are several. */
void trace_scratch_title(const struct trace *t, uint32_t program, uint32_t core, struct text *out);

/* Appends the name of what a slot computes, as its maker has noted it; nothing where that is not
 * known. */
void trace_noted_value(const struct trace *t, uint32_t program, uint32_t slot, struct text *out);

/* Appends the words that a slot wrote: "1, 2, 3". */
void trace_wrote(const struct trace_slot *s, struct text *out);

/* The number of scratch words of a name that the machine has. */
uint32_t trace_words(const struct trace *t, const struct prog_name *name);

/* The values of a name that a bundle wrote to, "1, 2, 3"; of a long one (more than ISA_MAX_VLEN
 * words) only the words written, "[17] 5, [18] 0". */
void trace_values(const struct trace *t, const struct trace_bundle *b, uint32_t name, struct text *out);

#endif
