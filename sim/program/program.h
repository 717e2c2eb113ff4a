/* A program in memory: bundles of slots in the order they were written, with
 * the names, labels and texts that came with them. Readers and writers of the
 * two formats, JSON and assembly, and the static checker work on this form. */
#ifndef SHEAF_PROGRAM_H
#define SHEAF_PROGRAM_H

#include "sim/base/arena.h"
#include "sim/base/diag.h"
#include "sim/base/text.h"
#include "sim/base/vec.h"
#include "sim/isa/isa.h"

/* The slots of one engine within a bundle, possibly none: naming an engine makes
 * a bundle cost a cycle. They end where the next group (of any bundle) begins. */
struct prog_group {
    uint32_t first_slot;
    uint8_t engine;
};

/* A bundle's groups end where the next bundle's begin. */
struct prog_bundle {
    uint32_t first_group;
    uint32_t line; /* in the source text, 0 if none */
};

/* A named run of scratch words. */
struct prog_name {
    const char *name;
    uint32_t address, length;
};

struct prog_label {
    const char *name;
    uint32_t bundle; /* may be the number of bundles: the end */
};

/* From scratch word `first` on, up to the next place, addresses print by this
 * name (an index into prog.names), or as numbers if it is PROG_NO_NAME. */
struct prog_symbol {
    uint32_t first, name;
};

#define PROG_NO_NAME UINT32_MAX

/* What a builder knows of a slot: where in the kernel it comes from. */
struct prog_note {
    uint16_t stage;    /* an index into prog.stages, or PROG_NO_STAGE */
    uint16_t round;    /* as the kernel counts; 0 where it does not */
    uint16_t strand;   /* an independent strand of the kernel; PROG_ALL_STRANDS: of none */
    uint16_t word;     /* the first word of `value` that it writes */
    const char *value; /* the name of what it computes, or NULL */
};

enum { PROG_NO_STAGE = UINT16_MAX, PROG_ALL_STRANDS = UINT16_MAX };

/* Sorted by `first`; stale when the program has more names than `names`. */
struct prog_symbols {
    VEC(struct prog_symbol) list;
    size_t names;
};

/* Lists only grow; everything pointed to lives in `arena`. */
struct prog {
    struct isa_machine machine; /* the reference's where the source gave none */
    bool object_form;           /* the JSON source was the object form, or names / a machine were given */
    VEC(struct isa_slot) slots;
    VEC(struct prog_group) groups;
    VEC(struct prog_bundle) bundles;
    VEC(struct prog_name) names; /* in source order; addresses need not be distinct */
    VEC(struct prog_label) labels;
    VEC(struct prog_note) notes; /* one for each slot, or empty: not known */
    VEC(const char *) stages;    /* names of parts of the kernel, for notes */
    VEC(const char *) texts;     /* compact JSON; indexed by isa_slot.literal of text roles */
    struct prog_symbols symbols; /* see prog_index_names */
    struct arena arena;
};

/* A vcompare's keys are texts[literal .. literal + arg[1]), its arg[1] the count. */

enum { PROG_MAX_BUNDLES = 1 << 24, PROG_MAX_SLOTS = 1 << 28 };

/* An empty program for the reference machine; NULL when out of memory. */
struct prog *prog_create(void);

/* Frees the program and all it owns. NULL is fine. */
void prog_destroy(struct prog *p);

/* Building, in order: a bundle, then its groups, then each group's slots. All
 * return false when out of memory; the program can still be destroyed. */
bool prog_add_bundle(struct prog *p, uint32_t line);
bool prog_add_group(struct prog *p, enum isa_engine engine);
bool prog_add_slot(struct prog *p, struct isa_slot slot);
bool prog_add_name(struct prog *p, const char *name, size_t length, uint32_t address, uint32_t words);
bool prog_add_label(struct prog *p, const char *name, size_t length, uint32_t bundle);

/* Keeps a copy of a text; its index, or -1 when out of memory. */
int64_t prog_add_text(struct prog *p, const char *text, size_t length);

/* Sorts the names for printing. The readers do it; who adds names by hand may do
 * it afterwards: printing is right without, only slow. False when out of memory. */
bool prog_index_names(struct prog *p);

/* Half-open ranges: the groups of a bundle, the slots of a group, of a bundle. */
struct prog_span {
    uint32_t begin, end;
};
static inline struct prog_span prog_groups(const struct prog *p, uint32_t bundle)
{
    const uint32_t end =
        bundle + 1 < p->bundles.n ? p->bundles.at[bundle + 1].first_group : (uint32_t)p->groups.n;
    return (struct prog_span){p->bundles.at[bundle].first_group, end};
}

static inline struct prog_span prog_slots(const struct prog *p, uint32_t group)
{
    const uint32_t end = group + 1 < p->groups.n ? p->groups.at[group + 1].first_slot : (uint32_t)p->slots.n;
    return (struct prog_span){p->groups.at[group].first_slot, end};
}

static inline struct prog_span prog_bundle_slots(const struct prog *p, uint32_t bundle)
{
    const struct prog_span g = prog_groups(p, bundle);
    if (g.begin == g.end)
        return (struct prog_span){0, 0};
    return (struct prog_span){p->groups.at[g.begin].first_slot, prog_slots(p, g.end - 1).end};
}

/* Whether the bundle costs a cycle: it names an engine other than debug. */
bool prog_costs_cycle(const struct prog *p, uint32_t bundle);

/* Reads a program. `file` names the input in diagnostics and may be NULL.
 * ST_OK and a new program in *out (owned by the caller), or ST_INPUT, ST_LIMIT,
 * ST_NOMEM with a diag and *out NULL. */
enum status prog_read_json(const char *text, size_t size, const char *file, struct prog **out,
                           struct diag *d);
enum status prog_read_asm(const char *text, size_t size, const char *file, struct prog **out, struct diag *d);

/* Programs that are run one after the other on the same memory; the name is the program's own. */
struct prog_named {
    const char *name; /* "" where there is one program alone */
    struct prog *prog;
};

struct prog_list {
    VEC(struct prog_named) list;
};

/* The same for {"stages": [{"name": ..., "program": ...}, ...]}, or for one program as above. */
enum status prog_read_json_list(const char *text, size_t size, const char *file, struct prog_list *out,
                                struct diag *d);
void prog_list_free(struct prog_list *s);

/* Reads the file by its name: .s is assembly, anything else JSON; "-" is JSON on
 * standard input, or assembly if its first character that is not white space is
 * neither '[' nor '{'. Also ST_IO. */
enum status prog_load(const char *path, struct prog **out, struct diag *d);

/* The same for programs that are run one after the other, or one. */
enum status prog_load_list(const char *path, struct prog_list *out, struct diag *d);

/* As prog_load for files of at most `limit` bytes: more is ST_LIMIT. */
enum status prog_load_within(const char *path, size_t limit, struct prog **out, struct diag *d);

/* Append the program to `out`; a failed allocation is sticky there.
 * JSON: the plain list of bundles, or the object form if p->object_form. */
void prog_write_json(const struct prog *p, struct text *out);
void prog_write_asm(const struct prog *p, struct text *out);

/* One slot as people read it, in assembly syntax with names where the program has
 * them: "+ tmp1, idx, one". */
void prog_slot_text(const struct prog *p, const struct isa_slot *s, struct text *out);

/* One slot as JSON: ["+",4,0,1]. */
void prog_slot_json(const struct prog *p, const struct isa_slot *s, struct text *out);

/* An operand's scratch address as a name: "idx", "v_val+3", or the plain number. */
void prog_address_text(const struct prog *p, int64_t address, struct text *out);

#endif
