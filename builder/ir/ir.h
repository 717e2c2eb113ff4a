/* The builder's program: straight-line regions of operations on virtual words.
 *
 * Kernel code says what to compute; which engine runs an operation, in which
 * cycle, and in which scratch words its values live are decided by the passes.
 * The meaning of an ir is sequential: operations take effect one after another,
 * in the order in which they were made. Whatever the passes do keeps it.
 *
 *   block   a run of virtual words, written once or many times
 *   val     a view of a block: `lanes` words, `stride` words apart
 *   op      one operation; elementwise ones run as one valu slot or as one alu
 *           slot a lane, as the scheduler likes
 *   region  a straight line of ops; control enters at its top and leaves at its
 *           end, to the next region or by a conditional jump
 */
#ifndef SHEAF_BUILDER_IR_IR_H
#define SHEAF_BUILDER_IR_IR_H

#include "sim/base/arena.h"
#include "sim/base/diag.h"
#include "sim/base/vec.h"
#include "sim/isa/isa.h"

#define IR_NONE UINT32_MAX
enum { IR_SOURCES = 3, IR_SHARED = UINT16_MAX };

struct ir_val {
    uint32_t block;
    uint16_t word;
    uint8_t stride; /* 0: one word for all lanes */
    uint8_t lanes;
};

/* Memory words an access may touch: [first, first + words). A load or store of
 * exactly those words has words equal to what it moves; a larger range says that
 * it touches some of them. Ranges are promises: the verifier relies on them. */
struct ir_mem {
    uint32_t first, words;
};
#define IR_ANYWHERE ((struct ir_mem){0, UINT32_MAX})

/* Where an op comes from, for priorities and for explaining later. */
struct ir_tag {
    uint16_t strand; /* independent strands of one kernel (a group of walkers); IR_SHARED: none */
    uint16_t round;
    uint16_t stage; /* index into ir.stages */
};

/* One way to encode an operation. */
struct ir_form {
    uint8_t op; /* enum isa_op; elementwise operations as on alu */
    uint8_t sources;
    struct ir_val src[IR_SOURCES];
};

struct ir_op {
    struct ir_form form, alt; /* alt.op == OP_UNKNOWN: there is no other form */
    uint8_t lanes;
    bool alu_only;      /* an elementwise op that may not run on valu (strided operands, fewer lanes) */
    struct ir_val dest; /* block IR_NONE: none */
    int64_t literal;
    struct ir_mem mem;
    struct ir_tag tag;
    uint32_t origin; /* a number of the maker's, which the passes keep: the bundle a lifted op is from */
};

struct ir_block {
    const char *name; /* may be NULL */
    uint16_t words;
    bool kept;   /* has its words for the whole program, even if one region alone uses it */
    bool pinned; /* its first word is scratch word `at`; requires kept */
    uint32_t at;
};

/* How control leaves a region. */
enum ir_exit {
    IR_NEXT,  /* to `target` if there is a condition and it is not 0, else to the next region */
    IR_JUMP,  /* to `target` */
    IR_HALT,  /* not at all */
    IR_PAUSE, /* to the next region, once the core is resumed */
    IR_TRACE  /* to the next region, with `cond` appended to the trace buffer */
};

/* ops[first .. next region's first), and then the exit. */
struct ir_region {
    uint32_t first_op;
    struct ir_val cond; /* block IR_NONE: none */
    uint32_t target;
    enum ir_exit exit;
};

struct ir_const {
    uint32_t value;
    uint8_t depth;                /* alu slots from a loaded constant to this one */
    struct ir_val scalar, vector; /* block IR_NONE: not made yet */
};

struct ir {
    struct isa_machine machine;
    VEC(struct ir_block) blocks;
    VEC(struct ir_op) ops;
    VEC(struct ir_region) regions;
    VEC(struct ir_const) consts;
    uint32_t *const_slots, n_const_slots; /* index of consts by value, see constant.c */
    VEC(const char *) stages;
    bool watched;       /* pinned blocks are looked at when the program ends */
    struct ir_val zero; /* a scalar nobody writes: 0, as scratch is at the start */
    struct ir_tag tag;  /* given to the ops made from now on */
    struct arena arena;
    enum status status; /* of the first failure; everything after it does nothing */
    struct diag why;
};

/* A new ir for a machine; NULL when out of memory. */
struct ir *ir_create(const struct isa_machine *machine);
void ir_destroy(struct ir *ir);

/* Failures are sticky: kernel code need not check each call. ST_OK, ST_NOMEM, or
 * ST_INPUT when the kernel itself is wrong (lanes that do not fit, say). */
enum status ir_status(const struct ir *ir, struct diag *d);

/* Storage, and views of it. Names are copied, may be NULL. */
struct ir_val ir_block(struct ir *ir, uint16_t words, const char *name); /* lanes = words, up to 255 */
struct ir_val ir_scalar(struct ir *ir, const char *name);
struct ir_val ir_vector(struct ir *ir, const char *name);
struct ir_val ir_view(struct ir_val block, unsigned word, unsigned stride, unsigned lanes);
static inline struct ir_val ir_lane(struct ir_val v, unsigned lane)
{
    return (struct ir_val){v.block, (uint16_t)(v.word + lane * v.stride), 1, 1};
}
static inline struct ir_val ir_lanes(struct ir_val v, unsigned first, unsigned step, unsigned n)
{
    return (struct ir_val){v.block, (uint16_t)(v.word + first * v.stride), (uint8_t)(v.stride * step),
                           (uint8_t)n};
}

/* Names the block of a value, unless it has a name, for those who look at a run; returns the value. The
 * name is not copied: it must outlive the ir. */
struct ir_val ir_name(struct ir *ir, struct ir_val v, const char *name);

/* Shared constants: the same value gives the same words. ir_const: a scalar;
 * ir_vconst: one word a lane, filled by a broadcast. */
struct ir_val ir_const(struct ir *ir, uint32_t value);
struct ir_val ir_vconst(struct ir *ir, uint32_t value);

/* Elementwise, op one of OP_ALU_*. A scalar beside a vector is spread over the
 * lanes (a constant by its shared vector). The result is a new block; the _into
 * forms write a given view. Lanes may run one after another: none may write a word
 * that another one reads or writes. */
struct ir_val ir_alu(struct ir *ir, enum isa_op code, struct ir_val a, struct ir_val b);
void ir_alu_into(struct ir *ir, struct ir_val dest, enum isa_op code, struct ir_val a, struct ir_val b);

/* a * b + c on vectors. */
struct ir_val ir_madd(struct ir *ir, struct ir_val a, struct ir_val b, struct ir_val c);

/* cond != 0 ? a : b, lane by lane. */
struct ir_val ir_select(struct ir *ir, struct ir_val cond, struct ir_val a, struct ir_val b);

/* The same where cond is 0 or 1 in every lane and diff = a - b is at hand: the
 * builder may compute cond * diff + b instead. */
struct ir_val ir_choose(struct ir *ir, struct ir_val cond, struct ir_val a, struct ir_val b,
                        struct ir_val diff);

struct ir_val ir_broadcast(struct ir *ir, struct ir_val scalar);

/* Memory. addr is a scalar holding the first word's address. */
struct ir_val ir_load(struct ir *ir, struct ir_val addr, struct ir_mem mem);
struct ir_val ir_vload(struct ir *ir, struct ir_val addr, struct ir_mem mem);
void ir_load_into(struct ir *ir, struct ir_val dest, struct ir_val addr,
                  struct ir_mem mem);                                                   /* lanes 1 or vlen */
void ir_store(struct ir *ir, struct ir_val addr, struct ir_val src, struct ir_mem mem); /* lanes 1 or vlen */

/* One scalar load for each lane's address. */
struct ir_val ir_gather(struct ir *ir, struct ir_val addr, struct ir_mem mem);

/* Control. A region ends at each of these calls. Blocks used in several regions
 * keep their scratch words for the whole program; a block that one region alone uses
 * is undefined each time control enters it. */
uint32_t ir_loop(struct ir *ir);                                      /* begins a loop's body; its region */
void ir_loop_while(struct ir *ir, uint32_t loop, struct ir_val cond); /* back to it while cond != 0 */
uint32_t ir_skip(struct ir *ir, struct ir_val cond);                  /* skips ahead if cond != 0 ... */
void ir_here(struct ir *ir, uint32_t skip);                           /* ... to here */

/* For each block the one region that uses it, IR_NONE for none, or some other
 * number for blocks of several regions. True if there are none of those. */
bool ir_block_homes(const struct ir *ir, uint32_t *region);

/* Tags for the ops made from now on. */
void ir_stage(struct ir *ir, const char *name);
static inline void ir_strand(struct ir *ir, unsigned strand)
{
    ir->tag.strand = (uint16_t)strand;
}
static inline void ir_round(struct ir *ir, unsigned round)
{
    ir->tag.round = (uint16_t)round;
}

/* Whether a region ends with a slot that says where control goes. */
static inline bool ir_has_exit(const struct ir_region *r)
{
    return r->cond.block != IR_NONE || r->exit != IR_NEXT;
}

/* The ops of a region: a half-open range. */
static inline uint32_t ir_region_end(const struct ir *ir, uint32_t region)
{
    return region + 1 < ir->regions.n ? ir->regions.at[region + 1].first_op : (uint32_t)ir->ops.n;
}

/* The form in which an op runs on an engine that it may run on. */
static inline const struct ir_form *ir_form_on(const struct ir_op *op, enum isa_engine e)
{
    const bool first =
        isa_is_alu((enum isa_op)op->form.op) || isa_info((enum isa_op)op->form.op)->engine == e;
    return first ? &op->form : &op->alt;
}

/* The word of the block that `lane` of an operand is; a scalar has one for all. */
static inline uint32_t ir_word(struct ir_val v, unsigned lane)
{
    return v.word + (lane < v.lanes ? lane : 0u) * v.stride;
}

static inline bool ir_has_dest(const struct ir_op *op)
{
    return op->dest.block != IR_NONE;
}
static inline bool ir_has_alt(const struct ir_op *op)
{
    return op->alt.op != OP_UNKNOWN;
}

/* Whether the op is elementwise: runs on alu lane by lane, or (not alu_only) on valu. */
static inline bool ir_is_elementwise(const struct ir_op *op)
{
    return isa_is_alu((enum isa_op)op->form.op);
}

#endif
