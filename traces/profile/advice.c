/* Requires: holes and limits of the same recorded run.
 * Guarantees: an item's saving is at most the run's cycles less a bound of what would be left.
 *
 * The class, by the first rule that holds:
 *     SCHEDULE  a list schedule of the same slots, each value in words of its own or not, saves more
 *               than 5 % of the cycles: nothing but their arrangement is in the way
 *     DEP       the chain is above the work, which here is slots by slots a cycle alone, and within
 *               10 % of the cycles
 *     LAUNCH    the engine with the most work has no operation left, or none begun, in more than a
 *               quarter of its slots, and in more than half of the empty ones
 *     DEP       a list schedule in which no slot waits for a jump saves more than 5 %: iterations do
 *               not overlap
 *     else      the larger of work and chain: DEP, or the class of the engine with the largest work
 *               bound; GATHER is LOAD where most of the load slots are gathers
 *
 * Advice is of two kinds. What a list schedule shows to be possible promises the cycles it saves. What
 * asks for other operations promises what the work bound falls by, all else as it is, and is only
 * given where work is what holds the program back: at least three quarters of the cycles. */
#include "traces/profile/advice.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "traces/profile/what_if.h"

/* Slots of the busiest core. */
struct mix {
    uint64_t slots[ENGINE_DEBUG];
    uint64_t operators; /* of the valu, that the alu has too */
    uint64_t selects, vselects;
    uint64_t rows; /* of stores of one word that a vector's store could replace */
};

enum { RECENT = 16 };

/* A core's last stores of one word, with how many words up to each make a row. */
struct recent {
    uint32_t address[RECENT], length[RECENT], n;
};

struct adviser {
    const struct history *h;
    const struct holes *holes;
    const struct limits *l;
    const struct advice_facts *facts;
    struct advice *out;
    struct mix mix;
    enum isa_engine busiest; /* the one that needs the most cycles for the mix, were nothing waited for */
    uint64_t work;           /* these cycles */
    uint32_t chain;          /* that is left when loops are unrolled */
};

static uint64_t min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t over(uint64_t n, uint64_t by)
{
    return by ? (n + by - 1) / by : 0;
}

/* Adds an item, if it saves something worth a line: one cycle in 500. */
static void __attribute__((format(printf, 4, 5)))
add(struct adviser *a, enum advice_class about, uint64_t saving, const char *format, ...)
{
    if (!saving || saving * 500 < a->h->cycles || a->out->n == ADVICE_MAX)
        return;
    struct advice_item *item = &a->out->item[a->out->n++];
    item->about = about;
    item->saving = (uint32_t)saving;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(item->text, sizeof item->text, format, args);
    va_end(args);
}

/* --- what was executed ------------------------------------------------------------ */

/* Whether the store ends a row of a vector's words. */
static bool ends_row(struct recent *r, uint32_t address, uint32_t vlen)
{
    uint32_t length = 1;
    for (uint32_t i = 0; i < r->n && i < RECENT; i++)
        if (r->address[i] + 1 == address && length <= r->length[i])
            length = r->length[i] + 1;
    r->address[r->n % RECENT] = address;
    r->length[r->n++ % RECENT] = length < vlen ? length : 0;
    return length >= vlen;
}

static void count_slot(struct mix *m, const struct isa_slot *s, uint32_t address, uint32_t vlen,
                       struct recent *recent)
{
    m->slots[s->engine]++;
    m->operators += isa_is_valu_binary((enum isa_op)s->op);
    m->selects += s->op == OP_SELECT;
    m->vselects += s->op == OP_VSELECT;
    m->rows += s->op == OP_STORE && ends_row(recent, address, vlen);
}

/* Cycles that an engine needs for so many slots, were nothing waited for. */
static uint64_t work_on(const struct isa_machine *m, const uint64_t slots[ENGINE_DEBUG], unsigned engine)
{
    return over(slots[engine], m->slots[engine]);
}

static enum isa_engine busiest_of(const struct isa_machine *m, const uint64_t slots[ENGINE_DEBUG])
{
    unsigned busiest = 0;
    for (unsigned e = 1; e < ENGINE_DEBUG; e++)
        if (work_on(m, slots, e) > work_on(m, slots, busiest))
            busiest = e;
    return (enum isa_engine)busiest;
}

static uint64_t work_of(const struct isa_machine *m, const uint64_t slots[ENGINE_DEBUG])
{
    return work_on(m, slots, busiest_of(m, slots));
}

static void count_slots(struct adviser *a)
{
    const struct history *h = a->h;
    struct mix cores[ISA_MAX_CORES] = {0};
    struct recent recent[ISA_MAX_CORES] = {0};
    for (uint32_t x = 0; x < hist_n(h); x++)
        count_slot(&cores[hist_core(h, x)], hist_isa(h, x), h->slots.at[x].address, h->machine.vlen,
                   &recent[hist_core(h, x)]);
    for (unsigned core = 0; core < h->machine.cores; core++)
        if (work_of(&h->machine, cores[core].slots) > a->work) {
            a->mix = cores[core];
            a->work = work_of(&h->machine, a->mix.slots);
            a->busiest = busiest_of(&h->machine, a->mix.slots);
        }
}

/* The cycles of the engine's room in which it had nothing to do, at the start and the end. */
static uint64_t idle_ends(const struct adviser *a, unsigned engine)
{
    const uint64_t capacity = (uint64_t)a->h->machine.slots[engine] * a->h->machine.cores;
    return capacity ? a->holes->engine[engine].cause[CAUSE_NONE] / capacity : 0;
}

/* --- the class ---------------------------------------------------------------------- */

static enum advice_class engine_class(const struct adviser *a, enum isa_engine e)
{
    switch ((int)e) {
    case ENGINE_LOAD:
        return 2 * a->facts->gathers > a->mix.slots[e] * a->h->machine.cores ? CLASS_GATHER : CLASS_LOAD;
    case ENGINE_STORE: return CLASS_STORE;
    case ENGINE_FLOW: return CLASS_FLOW;
    default: return CLASS_COMPUTE;
    }
}

static bool is_launch(const struct adviser *a)
{
    const struct hole_count *holes = &a->holes->engine[a->busiest];
    uint64_t empty = 0;
    for (unsigned c = 0; c < CAUSES; c++)
        empty += holes->cause[c];
    return 2 * holes->cause[CAUSE_NONE] > empty && 4 * idle_ends(a, a->busiest) > a->h->cycles;
}

/* Memory accesses are ordered as the addresses of this run ask for; a bound that does not know them
 * may be higher. */
static const char *apart(const struct adviser *a, uint32_t reschedule)
{
    return reschedule < a->facts->bound ? ", were accesses to memory known to be as far apart as in this run"
                                        : "";
}

/* Whether a list schedule saves more than 5 %. */
static bool saves(const struct adviser *a, uint32_t reschedule)
{
    return a->out->what_if.rescheduled && (uint64_t)reschedule * 100 < (uint64_t)a->h->cycles * 95;
}

static void blame_chain(struct adviser *a)
{
    a->out->class = CLASS_DEP;
    (void)snprintf(a->out->why, sizeof a->out->why,
                   "a chain of %zu slots takes %u of %u cycles, the work of the busiest engine %" PRIu64,
                   a->l->chain.n, a->l->dep, a->h->cycles, a->work);
}

static void classify(struct adviser *a)
{
    struct advice *out = a->out;
    const struct limits *l = a->l;
    const uint32_t cycles = a->h->cycles;
    char *why = out->why;
    if (l->binding == ISA_ENGINES) {
        out->class = CLASS_LAUNCH;
        (void)snprintf(why, sizeof out->why, "no slot was executed");
    } else if (saves(a, out->what_if.renamed.reschedule)) {
        const bool words = !saves(a, out->what_if.now.reschedule);
        out->class = CLASS_SCHEDULE;
        const uint32_t reschedule = words ? out->what_if.renamed.reschedule : out->what_if.now.reschedule;
        (void)snprintf(why, sizeof out->why, "the same slots%s fit into %u cycles instead of %u%s",
                       words ? ", each value in words of its own," : "", reschedule, cycles,
                       apart(a, reschedule));
    } else if (l->dep > a->work && l->dep * 10ul >= cycles * 9ul) {
        blame_chain(a);
    } else if (is_launch(a)) {
        out->class = CLASS_LAUNCH;
        (void)snprintf(why, sizeof out->why,
                       "%s, the busiest engine, has nothing to do at the start and the end: %" PRIu64
                       " of %u cycles",
                       isa_engine_name(a->busiest), idle_ends(a, a->busiest), cycles);
    } else if (saves(a, out->what_if.unrolled.reschedule)) {
        out->class = CLASS_DEP;
        (void)snprintf(
            why, sizeof out->why,
            "iterations wait for each other: were they to overlap, the same slots would fit into %u"
            " cycles instead of %u",
            out->what_if.unrolled.reschedule, cycles);
    } else if (l->dep > a->work) {
        blame_chain(a);
    } else {
        out->class = engine_class(a, l->binding);
        (void)snprintf(why, sizeof out->why, "the work of %s alone takes %u of %u cycles",
                       isa_engine_name(l->binding), l->work, cycles);
    }
}

/* --- what list schedules show -------------------------------------------------------- */

/* What asks for more has to save more: a cycle in 100. */
static bool is_better(const struct adviser *a, uint32_t reschedule, uint32_t best)
{
    return reschedule < best && (best - reschedule) * 100ul >= a->h->cycles;
}

static void advise_schedules(struct adviser *a)
{
    const struct advice *out = a->out;
    const uint32_t cycles = a->h->cycles;
    uint32_t best = cycles;
    uint64_t missed = 0;
    if (!out->what_if.rescheduled)
        return;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        missed += a->holes->engine[e].cause[CAUSE_MISSED];
    if (out->what_if.now.reschedule < best) {
        best = out->what_if.now.reschedule;
        add(a, CLASS_SCHEDULE, cycles - best,
            "Pack bundles tighter: the same slots in the same words fit into %u cycles%s; %" PRIu64
            " empty slots had an operation ready.",
            best, apart(a, best), missed);
    }
    if (is_better(a, out->what_if.renamed.reschedule, best)) {
        best = out->what_if.renamed.reschedule;
        add(a, CLASS_SCHEDULE, cycles - best,
            "Use more of the scratch: with words of its own for each value the same slots fit into %u "
            "cycles%s;"
            " %u of %u words are in use at once.",
            best, apart(a, best), a->facts->live_peak, a->h->machine.scratch);
    }
    if (is_better(a, out->what_if.unrolled.reschedule, best))
        add(a, CLASS_DEP, cycles - out->what_if.unrolled.reschedule,
            "Unroll, or begin the next iteration before this one ends: where no slot waits for a jump, each "
            "value in"
            " words of its own, the same slots fit into %u cycles%s.",
            out->what_if.unrolled.reschedule, apart(a, out->what_if.unrolled.reschedule));
}

/* --- what other operations would do --------------------------------------------------- */

/* What the work falls by when the slots are these; it does not count below the chain. */
static uint64_t gain(const struct adviser *a, const uint64_t slots[ENGINE_DEBUG])
{
    const uint64_t after = work_of(&a->h->machine, slots);
    const uint64_t left = after > a->chain ? after : a->chain;
    return a->work > left ? a->work - left : 0;
}

static void copy(const struct adviser *a, uint64_t slots[ENGINE_DEBUG])
{
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        slots[e] = a->mix.slots[e];
}

/* Slots saved when rows of words are stored as vectors. */
static uint64_t saved_by_rows(const struct adviser *a)
{
    return a->mix.rows * (a->h->machine.vlen - 1);
}

/* Scalars of several strands become vectors. */
static void advise_vectors(struct adviser *a)
{
    const uint32_t vlen = a->h->machine.vlen;
    uint64_t slots[ENGINE_DEBUG];
    copy(a, slots);
    if (vlen < 2 || !a->h->machine.slots[ENGINE_VALU] || a->l->binding != ENGINE_ALU)
        return;
    slots[ENGINE_VALU] += over(slots[ENGINE_ALU], vlen);
    slots[ENGINE_ALU] = 0;
    slots[ENGINE_FLOW] -= a->mix.selects - over(a->mix.selects, vlen);
    slots[ENGINE_STORE] -= saved_by_rows(a);
    add(a, CLASS_COMPUTE, gain(a, slots),
        "Work on %u strands at once: %" PRIu64 " alu slots, with selects and rows of stores, as vectors leave"
        " %" PRIu64 " cycles of work.",
        vlen, a->mix.slots[ENGINE_ALU], work_of(&a->h->machine, slots));
}

/* Some of the valu's operators go to the alu, lane by lane. */
static void advise_lanes(struct adviser *a)
{
    const struct isa_machine *m = &a->h->machine;
    uint64_t slots[ENGINE_DEBUG], best = 0, moved = 0;
    copy(a, slots);
    if (a->l->binding != ENGINE_VALU || !m->slots[ENGINE_ALU])
        return;
    /* With so many moved both engines take as long. */
    const uint64_t per_cycle = (uint64_t)m->slots[ENGINE_ALU] + (uint64_t)m->vlen * m->slots[ENGINE_VALU];
    const uint64_t valu = slots[ENGINE_VALU] * m->slots[ENGINE_ALU],
                   alu = slots[ENGINE_ALU] * m->slots[ENGINE_VALU];
    moved = valu > alu ? min((valu - alu) / per_cycle, a->mix.operators) : 0;
    slots[ENGINE_VALU] -= moved;
    slots[ENGINE_ALU] += moved * m->vlen;
    best = gain(a, slots);
    /* The builder, which chooses engines, knows what that can bring. */
    if (a->facts->bound)
        best = a->l->work > a->facts->bound ? min(best, a->l->work - a->facts->bound) : 0;
    add(a, CLASS_COMPUTE, best,
        "Compute %" PRIu64 " of the %" PRIu64
        " vector operators lane by lane on alu, which has capacity: %" PRIu64 " cycles of work are left.",
        moved, a->mix.operators, work_of(m, slots));
}

/* A vselect is a difference and a multiply_add, where the condition is 0 or 1. */
static void advise_selects(struct adviser *a)
{
    const struct isa_machine *m = &a->h->machine;
    uint64_t slots[ENGINE_DEBUG];
    copy(a, slots);
    if (a->l->binding != ENGINE_FLOW || !m->slots[ENGINE_VALU])
        return;
    const uint64_t flow = slots[ENGINE_FLOW] * m->slots[ENGINE_VALU],
                   valu = slots[ENGINE_VALU] * m->slots[ENGINE_FLOW];
    const uint64_t per_cycle = m->slots[ENGINE_VALU] + 2ul * m->slots[ENGINE_FLOW];
    const uint64_t moved = flow > valu ? min((flow - valu) / per_cycle, a->mix.vselects) : 0;
    slots[ENGINE_FLOW] -= moved;
    slots[ENGINE_VALU] += 2 * moved;
    add(a, CLASS_FLOW, gain(a, slots),
        "Compute %" PRIu64 " of the %" PRIu64
        " vselects on valu, as a difference and a multiply_add (conditions of 0 or 1):"
        " %" PRIu64 " cycles of work are left.",
        moved, a->mix.vselects, work_of(m, slots));
}

static void advise_loads(struct adviser *a)
{
    const struct isa_machine *m = &a->h->machine;
    const uint64_t repeated = a->facts->repeated / m->cores, constants = a->facts->constants / m->cores;
    uint64_t slots[ENGINE_DEBUG];
    if (a->l->binding != ENGINE_LOAD)
        return;
    copy(a, slots);
    slots[ENGINE_LOAD] -= min(repeated, slots[ENGINE_LOAD]);
    add(a, CLASS_GATHER, gain(a, slots),
        "Keep what is loaded: %" PRIu64 " of %" PRIu64
        " gather loads fetch a word that another one fetched shortly before;"
        " without them loads take %" PRIu64 " cycles.",
        a->facts->repeated, a->facts->gathers, over(slots[ENGINE_LOAD], m->slots[ENGINE_LOAD]));
    copy(a, slots);
    slots[ENGINE_LOAD] -= min(constants, slots[ENGINE_LOAD]);
    slots[ENGINE_FLOW] += constants;
    add(a, CLASS_LOAD, gain(a, slots),
        "Make the %" PRIu64 " constants with add_imm on flow: loads take %" PRIu64 " cycles then.",
        a->facts->constants, over(slots[ENGINE_LOAD], m->slots[ENGINE_LOAD]));
}

static void advise_stores(struct adviser *a)
{
    uint64_t slots[ENGINE_DEBUG];
    copy(a, slots);
    if (a->l->binding != ENGINE_STORE)
        return;
    slots[ENGINE_STORE] -= saved_by_rows(a);
    add(a, CLASS_STORE, gain(a, slots),
        "Store words in a row as vectors: %" PRIu64 " stores of one word would be %" PRIu64
        " of a vector; %" PRIu64 " cycles of work are left.",
        a->mix.rows * a->h->machine.vlen, a->mix.rows, work_of(&a->h->machine, slots));
}

/* What the bound says of one more slot for the engine that binds. */
static void advise_room(struct adviser *a)
{
    const enum isa_engine e = a->l->binding;
    const struct what_if *wider = &a->out->what_if.wider[e];
    if (wider->bound >= a->out->what_if.now.bound)
        return;
    add(a, engine_class(a, e), a->out->what_if.now.bound - wider->bound,
        "Take work off %s: one operation in %u less, as good as one slot more a cycle, lowers the bound from "
        "%u to %u"
        " cycles.",
        isa_engine_name(e), a->h->machine.slots[e] + 1, a->out->what_if.now.bound, wider->bound);
}

/* --- ends and chains ----------------------------------------------------------------- */

static void advise_ends(struct adviser *a)
{
    const enum isa_engine e = a->busiest;
    const uint64_t idle = idle_ends(a, e), needed = (uint64_t)a->l->head[e] + a->l->tail[e];
    const uint64_t capacity = (uint64_t)a->h->machine.slots[e] * a->h->machine.cores;
    if (idle > needed)
        add(a, CLASS_LAUNCH, min(idle - needed, a->h->cycles - a->l->work),
            "Start the work of %s sooner, and let less follow it: it has no operation in %" PRIu64
            " cycles' worth of"
            " slots, %" PRIu64 " of them before its first; chains before and after account for %" PRIu64 ".",
            isa_engine_name(e), idle, a->holes->engine[e].fill / capacity, needed);
}

static void advise_chain(struct adviser *a)
{
    const struct limits *l = a->l;
    if (a->out->class != CLASS_DEP || l->dep <= a->work)
        return;
    if (a->chain < l->dep && !a->out->what_if.rescheduled)
        add(a, CLASS_DEP, l->dep - (a->work > a->chain ? a->work : a->chain),
            "Unroll, or overlap iterations: jumps make a chain of %u cycles, values alone one of %u.", l->dep,
            a->chain);
    else if (a->chain == l->dep)
        add(a, CLASS_DEP, l->dep - a->work,
            "Shorten the chain of %zu slots, or work on more strands at once: it takes %u cycles, the work "
            "%" PRIu64 ".",
            l->chain.n, l->dep, a->work);
}

static void rank(struct advice *out)
{
    for (unsigned i = 1; i < out->n; i++) {
        const struct advice_item item = out->item[i];
        unsigned at = i;
        for (; at > 0 && out->item[at - 1].saving < item.saving; at--)
            out->item[at] = out->item[at - 1];
        out->item[at] = item;
    }
}

enum status advice_make(const struct history *h, const struct holes *holes, const struct limits *l,
                        const struct advice_facts *facts, struct advice *out, struct diag *d)
{
    *out = (struct advice){0};
    struct adviser a = {.h = h, .holes = holes, .l = l, .facts = facts, .out = out};
    const enum status status = what_if_run(h, l, &out->what_if, &a.chain, d);
    if (status != ST_OK)
        return status;
    count_slots(&a);
    classify(&a);
    if (l->binding == ISA_ENGINES)
        return ST_OK;
    advise_schedules(&a);
    if (4 * a.work >= 3ul * h->cycles) {
        advise_vectors(&a);
        advise_lanes(&a);
        advise_selects(&a);
        advise_loads(&a);
        advise_stores(&a);
        advise_room(&a);
    }
    advise_ends(&a);
    advise_chain(&a);
    rank(out);
    return ST_OK;
}

const char *advice_class_name(enum advice_class c)
{
    static const char *const names[ADVICE_CLASSES] = {"GATHER", "LOAD", "STORE",    "VALU/ALU",
                                                      "FLOW",   "DEP",  "SCHEDULE", "LAUNCH"};
    return names[c];
}
