/* The instruction set: engines, operations, operand roles, and what a slot
 * reads and writes. All of it is derived from isa.def. */
#ifndef SHEAF_ISA_H
#define SHEAF_ISA_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum isa_engine {
#define ISA_ENGINE(ID, name, slots, doc) ENGINE_##ID,
#include "sim/isa/isa.def"
    ISA_ENGINES
};

/* How a slot is executed. The operands of each kind are those of the first operation of
 * that kind in the table, and at most one literal, lane or the like: isa.c checks. */
enum isa_kind {
    KIND_PURE,          /* dest = the expression of the table, lane by lane for a vector dest */
    KIND_LOAD,          /* dest = m[source] */
    KIND_VLOAD,         /* the same for as many words as there are lanes */
    KIND_STORE,         /* m[first source] = second source */
    KIND_VSTORE,        /* the same for as many words */
    KIND_JUMP,          /* to the target */
    KIND_COND_JUMP,     /* the same, unless the source is 0 */
    KIND_COND_JUMP_REL, /* the same, by a distance */
    KIND_JUMP_INDIRECT, /* to the bundle in the source */
    KIND_HALT,          /* the core stops */
    KIND_PAUSE,         /* the core pauses, if pausing is enabled */
    KIND_TRACE,         /* appends the source to the core's trace */
    KIND_COREID,        /* dest = the core's number */
    KIND_COMPARE,       /* a fault, when debugging, if the source is not what is expected */
    KIND_NOTHING,
    KIND_UNKNOWN, /* a fault when reached */
};

/* What an operand means. Roles up to ROLE_VSRC are scratch addresses and live in
 * isa_slot.arg at the operand's index; the others live in isa_slot.literal (a
 * slot has at most one of them). */
enum isa_role {
    ROLE_NONE,
    ROLE_DEST,     /* one word written */
    ROLE_VDEST,    /* vlen words written */
    ROLE_SRC,      /* one word read */
    ROLE_VSRC,     /* vlen words read */
    ROLE_LITERAL,  /* any whole number, taken modulo 2^32 */
    ROLE_LANE,     /* added to every scratch address of the slot */
    ROLE_TARGET,   /* a bundle number */
    ROLE_RELATIVE, /* a distance in bundles from the advanced pc */
    ROLE_KEY,      /* of an expected value: any JSON, an index into the program's texts */
    ROLE_KEYS,     /* a JSON list of keys, likewise */
    ROLE_TEXT,     /* any JSON, likewise */
};

enum isa_op {
#define ISA_BINARY(ID, name, partial, expression, doc) OP_ALU_##ID,
#include "sim/isa/isa.def"
#define ISA_BINARY(ID, name, partial, expression, doc) OP_VALU_##ID,
#include "sim/isa/isa.def"
#define ISA_SLOT(ID, engine, name, kind, r0, r1, r2, r3, expression, doc) OP_##ID,
#include "sim/isa/isa.def"
    ISA_OPS,              /* the number of real operations */
    OP_UNKNOWN = ISA_OPS, /* no such operation: the whole slot is kept as JSON text */
    OP_IGNORED,           /* a debug slot that means nothing, likewise */
};

/* The number of arithmetic operators. Theirs are the first operations: those of alu, then
 * those of valu, in the same order. */
enum {
    ISA_BINARIES = 0
#define ISA_BINARY(ID, name, partial, expression, doc) +1
#include "sim/isa/isa.def"
};

enum {
    ISA_MAX_ARGS = 4,
    ISA_MAX_VLEN = 64,
    ISA_MAX_SLOTS = 64,
    ISA_MAX_CORES = 64,
    ISA_MAX_SCRATCH = 1 << 24,
    ISA_MAX_LATENCY = 64
};

/* One row of the table. */
struct isa_info {
    const char *name;
    const char *effect; /* for the manual */
    enum isa_engine engine;
    enum isa_kind kind;
    bool partial;         /* faults when its second source is 0 */
    bool vector, literal; /* some operand is a vector; is no address */
    unsigned char args;
    enum isa_role role[ISA_MAX_ARGS];
};

/* The rows of isa.def, then those of OP_UNKNOWN and OP_IGNORED. */
extern const struct isa_info isa_table[ISA_OPS + 2];

/* A decoded slot. `engine` repeats the table's for known operations; it is what
 * places an unknown one. */
struct isa_slot {
    uint8_t op, engine;
    int32_t arg[ISA_MAX_ARGS]; /* scratch addresses by operand index, as given: may be out of range */
    int64_t literal;           /* literal, lane, target, distance, or text index */
};

/* The machine's parameters. slots[ENGINE_DEBUG] is not used: debug is not limited. */
struct isa_machine {
    uint32_t slots[ISA_ENGINES];
    uint32_t vlen, scratch, cores;
    uint32_t latency[ENGINE_DEBUG]; /* cycles until what an engine writes is there: 1 is the next one */
};

/* The reference machine. */
struct isa_machine isa_default_machine(void);

/* NULL when every parameter is within the ISA_MAX_ limits, else what is wrong. */
const char *isa_machine_validate(const struct isa_machine *m);

/* The parameter of that name ("alu", "load_latency", "vlen", ...), or NULL. */
uint32_t *isa_machine_parameter(struct isa_machine *m, const char *name, size_t length);

/* Whether some engine's results take more than a cycle. */
bool isa_machine_waits(const struct isa_machine *m);

/* The row of an operation below ISA_OPS, or a row of kind UNKNOWN / NOTHING for
 * OP_UNKNOWN and OP_IGNORED. Never NULL. */
static inline const struct isa_info *isa_info(enum isa_op op)
{
    assert((unsigned)op < ISA_OPS + 2);
    return &isa_table[op];
}

const char *isa_engine_name(enum isa_engine e);
const char *isa_engine_doc(enum isa_engine e);

/* The engine called `name` (of `length` bytes), or ISA_ENGINES. */
enum isa_engine isa_find_engine(const char *name, size_t length);

/* The operation called `name` on `engine`, or OP_UNKNOWN. */
enum isa_op isa_find_op(enum isa_engine engine, const char *name, size_t length);

/* What an operation is, by its row. */
static inline bool isa_is_alu(enum isa_op op)
{
    return (unsigned)op < ISA_BINARIES;
}
static inline bool isa_is_valu_binary(enum isa_op op)
{
    return (unsigned)op >= ISA_BINARIES && (unsigned)op < 2 * ISA_BINARIES;
}
static inline enum isa_op isa_to_alu(enum isa_op op)
{
    return (enum isa_op)((unsigned)op - ISA_BINARIES);
}
static inline enum isa_op isa_to_valu(enum isa_op op)
{
    return (enum isa_op)((unsigned)op + ISA_BINARIES);
}
static inline bool isa_is_load(enum isa_op op)
{
    const enum isa_kind kind = isa_info(op)->kind;
    return kind == KIND_LOAD || kind == KIND_VLOAD;
}
static inline bool isa_is_store(enum isa_op op)
{
    const enum isa_kind kind = isa_info(op)->kind;
    return kind == KIND_STORE || kind == KIND_VSTORE;
}
/* Of memory. */
static inline bool isa_is_access(enum isa_op op)
{
    return isa_is_load(op) || isa_is_store(op);
}
static inline bool isa_is_jump(enum isa_op op)
{
    const enum isa_kind kind = isa_info(op)->kind;
    return kind >= KIND_JUMP && kind <= KIND_JUMP_INDIRECT;
}
/* Whether it decides where the core goes on, or that it does not. */
static inline bool isa_is_control(enum isa_op op)
{
    const enum isa_kind kind = isa_info(op)->kind;
    return kind >= KIND_JUMP && kind <= KIND_PAUSE;
}
static inline bool isa_is_vector(enum isa_op op)
{
    return isa_info(op)->vector;
}
static inline bool isa_has_literal(enum isa_op op)
{
    return isa_info(op)->literal;
}

static inline bool isa_role_is_address(enum isa_role r)
{
    return r >= ROLE_DEST && r <= ROLE_VSRC;
}
static inline bool isa_role_is_dest(enum isa_role r)
{
    return r == ROLE_DEST || r == ROLE_VDEST;
}
static inline bool isa_role_is_vector(enum isa_role r)
{
    return r == ROLE_VDEST || r == ROLE_VSRC;
}

/* A run of scratch words; `first` is 64 bit because untrusted slots may name
 * anything (a lane is added to an address). */
struct isa_range {
    int64_t first;
    uint32_t n;
};

/* What a slot touches in scratch. Reads are in operand order. */
struct isa_effects {
    struct isa_range write;
    struct isa_range read[ISA_MAX_ARGS];
    unsigned reads;
    bool writes;
};

struct isa_effects isa_effects(const struct isa_slot *s, uint32_t vlen);

/* The value of a pure operation, or of one lane of it: a, b, c are its sources in
 * operand order (missing ones are ignored), k its literal. Requires KIND_PURE, and
 * b != 0 for a partial operation. */
uint32_t isa_eval(enum isa_op op, uint32_t a, uint32_t b, uint32_t c, uint32_t k);

#endif
