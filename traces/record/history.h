/* A run, recorded: every slot as it was executed, what it wrote, and what it had to come
 * after. The ground that profile, comparison, report and debugger stand on.
 *
 *     machine ──> bundle events ──> history: bundles ──> slots ──> edges
 *                                                             └──> values
 *
 * Slots are in the order of execution; those of a bundle are together, in its order, and
 * those of debug are left out. Edges lead from slots of earlier cycles or (HIST_USED, and the
 * order of two writes) of the same bundle, of any core, and are exact to the word: addresses
 * are those of this run. On a machine with latencies a write counts from when it commits; then
 * edges other than those of values and jumps may also lead from slots of later cycles.
 */
#ifndef SHEAF_TRACES_RECORD_HISTORY_H
#define SHEAF_TRACES_RECORD_HISTORY_H

#include "sim/machine.h"

/* Why a slot comes after another one, `from`. */
enum hist_kind {
    HIST_VALUE,       /* reads the scratch word that it wrote */
    HIST_USED,        /* writes a scratch word that it still had to read; may share its cycle */
    HIST_WRITTEN,     /* writes a scratch word that it wrote, too */
    HIST_MEM_VALUE,   /* the same three for words of memory */
    HIST_MEM_USED,    /*  */
    HIST_MEM_WRITTEN, /*  */
    HIST_JUMP,        /* it decided that this slot is executed: a jump, halt or pause */
    HIST_KINDS
};

/* `delay` is the cycles that have to lie between the two, in any schedule: a reader may share its
 * cycle with the next writer, writes of one bundle are ordered by their places in it, and cores of
 * one cycle by their numbers. With latencies a value is read as many cycles after the slot that makes
 * it, or one where its core has paused in between; and a slow slot may come before the last read of
 * what it overwrites (less than 0). That another core's writes were there earlier if it stopped
 * earlier is not thought of. */
struct hist_edge {
    uint32_t from; /* an index into slots */
    uint32_t word; /* the first word concerned; 0 for a jump */
    uint8_t kind;  /* one edge for each slot and kind */
    int8_t delay;
};

struct hist_slot {
    uint32_t slot;       /* an index into prog->slots */
    uint32_t bundle;     /* an index into history.bundles */
    uint32_t first_edge; /* to where the next slot's begin */
    uint32_t first_value;
    uint32_t address; /* the first memory word of a load or store */
    uint8_t engine;
    uint8_t words; /* written, to scratch or memory; their values are values[first_value ...] */
};

/* An executed bundle. */
struct hist_bundle {
    uint32_t bundle; /* in the program */
    uint32_t cycle;  /* since the first recorded; a bundle that costs none has that of the next */
    uint32_t first_slot;
    uint16_t core;
    bool costs;
};

struct history {
    const struct prog *prog; /* borrowed */
    struct isa_machine machine;
    uint64_t first_cycle; /* the counter's value that is cycle 0 here */
    uint32_t cycles;      /* recorded; with one that a fault cut short after some core's bundle */
    bool clipped;         /* the program goes on after them */
    enum sim_end end;     /* SIM_MORE where clipped */
    VEC(struct hist_bundle) bundles;
    VEC(struct hist_slot) slots; /* ended by one that is none, so that ranges end in the next's start */
    VEC(struct hist_edge) edges;
    VEC(uint32_t) values;
};

/* Cycles [from, to) of the counter; {0, UINT64_MAX} is all. */
struct hist_window {
    uint64_t from, to;
};

/* HIST_MAX_ITEMS: edges, values, bundles, and words that are read and not yet written again. */
enum { HIST_MAX_SLOTS = 6000000, HIST_MAX_CYCLES = 1 << 22, HIST_MAX_ITEMS = 1 << 26 };

/* Runs the machine, from where it stands, to its end (resuming paused cores) or to the end of
 * the window. Words written before the window count as there from the start. ST_OK, also when the
 * machine faults (see its fault; all before is recorded); ST_LIMIT when the window has more of
 * something than HIST_MAX_; ST_NOMEM. To be freed with hist_free in any case. */
enum status hist_record(struct sim *s, struct hist_window window, struct history *out, struct diag *d);
void hist_free(struct history *h);

/* The number of slots recorded. */
static inline uint32_t hist_n(const struct history *h)
{
    return h->slots.n ? (uint32_t)h->slots.n - 1 : 0;
}

static inline uint32_t hist_cycle(const struct history *h, uint32_t slot)
{
    return h->bundles.at[h->slots.at[slot].bundle].cycle;
}

static inline unsigned hist_core(const struct history *h, uint32_t slot)
{
    return h->bundles.at[h->slots.at[slot].bundle].core;
}

/* The first cycle in which `e` lets its slot be, 0 at least. */
static inline uint32_t hist_after(const struct history *h, const struct hist_edge *e)
{
    const int64_t after = (int64_t)hist_cycle(h, e->from) + e->delay;
    return after > 0 ? (uint32_t)after : 0;
}

/* The cycle from which on what the slot writes is there, if its core does not pause or stop before. */
static inline uint32_t hist_there(const struct history *h, uint32_t slot)
{
    return hist_cycle(h, slot) + h->machine.latency[h->slots.at[slot].engine];
}

/* The first cycles in which a slot could be, the others where they are, by what it has to
 * wait for; none is after its own. */
struct hist_ready {
    uint32_t value; /* operands in scratch, and jumps */
    uint32_t used;  /* a scratch word that was still to be read */
    uint32_t order; /* memory; writes to one word, that nobody reads between; for a jump, all before it */
};
struct hist_ready hist_ready(const struct history *h, uint32_t slot);

/* The operation's row, and the slot as written in the program. */
static inline const struct isa_slot *hist_isa(const struct history *h, uint32_t slot)
{
    return &h->prog->slots.at[h->slots.at[slot].slot];
}

/* Whether what is executed next depends on the slot: a jump, halt or pause. */
bool hist_decides(const struct history *h, uint32_t slot);

/* What the program's maker noted of a slot; NULL if nothing. */
static inline const struct prog_note *hist_note(const struct history *h, uint32_t slot)
{
    return h->prog->notes.n ? &h->prog->notes.at[h->slots.at[slot].slot] : NULL;
}

/* --- queues ------------------------------------------------------------------------------ */

/* The recorded slots of each engine of each core, in the order of execution. */

#define QUEUE_END UINT32_MAX

struct queues {
    uint32_t first[ISA_MAX_CORES][ENGINE_DEBUG]; /* a slot, or QUEUE_END */
    uint32_t *next;                              /* by slot */
};

/* False when out of memory. To be freed in any case. */
bool queues_create(struct queues *q, const struct history *h);
void queues_free(struct queues *q);

#endif
