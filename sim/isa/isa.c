#include "sim/isa/isa.h"

#include <string.h>

#include "sim/isa/eval.h"

static const struct {
    const char *name, *doc;
    uint32_t slots;
} engines[ISA_ENGINES] = {
#define ISA_ENGINE(ID, name, slots, doc) {name, doc, slots},
#include "sim/isa/isa.def"
};

/* Rows that are macros are laid out by hand. */
/* clang-format off */
#define COUNT(role, r0, r1, r2, r3) \
    ((ROLE_##r0 == ROLE_##role) + (ROLE_##r1 == ROLE_##role) + (ROLE_##r2 == ROLE_##role) + (ROLE_##r3 == ROLE_##role))
#define ARGS(r0, r1, r2, r3) (ISA_MAX_ARGS - COUNT(NONE, r0, r1, r2, r3))
#define VECTORS(r0, r1, r2, r3) (COUNT(VDEST, r0, r1, r2, r3) + COUNT(VSRC, r0, r1, r2, r3))
#define LITERALS(r0, r1, r2, r3) \
    ((ROLE_##r0 > ROLE_VSRC) + (ROLE_##r1 > ROLE_VSRC) + (ROLE_##r2 > ROLE_VSRC) + (ROLE_##r3 > ROLE_VSRC))

const struct isa_info isa_table[ISA_OPS + 2] = {
#define ISA_BINARY(ID, name, partial, expression, doc) \
    {name, doc, ENGINE_ALU, KIND_PURE, partial, 0, 0, 3, {ROLE_DEST, ROLE_SRC, ROLE_SRC, ROLE_NONE}},
#include "sim/isa/isa.def"
#define ISA_BINARY(ID, name, partial, expression, doc) \
    {name, doc, ENGINE_VALU, KIND_PURE, partial, 1, 0, 3, {ROLE_VDEST, ROLE_VSRC, ROLE_VSRC, ROLE_NONE}},
#include "sim/isa/isa.def"
#define ISA_SLOT(ID, engine, name, kind, r0, r1, r2, r3, expression, doc) \
    {name, doc, ENGINE_##engine, KIND_##kind, 0, VECTORS(r0, r1, r2, r3) != 0, LITERALS(r0, r1, r2, r3) != 0, \
     ARGS(r0, r1, r2, r3), {ROLE_##r0, ROLE_##r1, ROLE_##r2, ROLE_##r3}},
#include "sim/isa/isa.def"
    {"?", "no such operation", ENGINE_DEBUG, KIND_UNKNOWN, 0, 0, 1, 1, {ROLE_TEXT, ROLE_NONE, ROLE_NONE, ROLE_NONE}},
    {"?", "nothing", ENGINE_DEBUG, KIND_NOTHING, 0, 0, 1, 1, {ROLE_TEXT, ROLE_NONE, ROLE_NONE, ROLE_NONE}},
};

/* How many operands of one word and of a vector a row writes and reads, and whether that suits its kind. */
#define SHAPE(dest, vdest, src, vsrc) (1000 * (dest) + 100 * (vdest) + 10 * (src) + (vsrc))
#define SHAPE_OF(...) \
    SHAPE(COUNT(DEST, __VA_ARGS__), COUNT(VDEST, __VA_ARGS__), COUNT(SRC, __VA_ARGS__), COUNT(VSRC, __VA_ARGS__))
#define SUITS_PURE(...) (COUNT(DEST, __VA_ARGS__) + COUNT(VDEST, __VA_ARGS__) == 1)
#define SUITS_LOAD(...) (SHAPE_OF(__VA_ARGS__) == SHAPE(1, 0, 1, 0))
#define SUITS_VLOAD(...) (SHAPE_OF(__VA_ARGS__) == SHAPE(0, 1, 1, 0))
#define SUITS_STORE(...) (SHAPE_OF(__VA_ARGS__) == SHAPE(0, 0, 2, 0))
#define SUITS_VSTORE(...) (SHAPE_OF(__VA_ARGS__) == SHAPE(0, 0, 1, 1))
#define SUITS_JUMP(...) (SHAPE_OF(__VA_ARGS__) == 0 && COUNT(TARGET, __VA_ARGS__))
#define SUITS_COND_JUMP(...) (SHAPE_OF(__VA_ARGS__) == SHAPE(0, 0, 1, 0) && COUNT(TARGET, __VA_ARGS__))
#define SUITS_COND_JUMP_REL(...) (SHAPE_OF(__VA_ARGS__) == SHAPE(0, 0, 1, 0) && COUNT(RELATIVE, __VA_ARGS__))
#define SUITS_JUMP_INDIRECT(...) (SHAPE_OF(__VA_ARGS__) == SHAPE(0, 0, 1, 0))
#define SUITS_HALT(...) (SHAPE_OF(__VA_ARGS__) == 0)
#define SUITS_PAUSE(...) (SHAPE_OF(__VA_ARGS__) == 0)
#define SUITS_TRACE(...) (SHAPE_OF(__VA_ARGS__) == SHAPE(0, 0, 1, 0))
#define SUITS_COREID(...) (SHAPE_OF(__VA_ARGS__) == SHAPE(1, 0, 0, 0))
#define SUITS_COMPARE(...) \
    (SHAPE_OF(__VA_ARGS__) == (COUNT(KEYS, __VA_ARGS__) ? SHAPE(0, 0, 0, 1) : SHAPE(0, 0, 1, 0)) && \
     COUNT(KEYS, __VA_ARGS__) + COUNT(KEY, __VA_ARGS__) == 1)
#define SUITS_NOTHING(...) (SHAPE_OF(__VA_ARGS__) == 0)

/* Operands without a gap, the destination first, and one field for a literal. */
#define IN_ORDER(r0, r1, r2, r3) \
    ((ROLE_##r1 == ROLE_NONE || ROLE_##r0 != ROLE_NONE) && (ROLE_##r2 == ROLE_NONE || ROLE_##r1 != ROLE_NONE) && \
     (ROLE_##r3 == ROLE_NONE || ROLE_##r2 != ROLE_NONE) && \
     COUNT(DEST, NONE, r1, r2, r3) + COUNT(VDEST, NONE, r1, r2, r3) == 0)

#define ISA_SLOT(ID, engine, name, kind, r0, r1, r2, r3, expression, doc) \
    _Static_assert(SUITS_##kind(r0, r1, r2, r3), #ID ": operands that do not suit the kind"); \
    _Static_assert(IN_ORDER(r0, r1, r2, r3), #ID ": a gap between operands, or a destination behind others"); \
    _Static_assert(LITERALS(r0, r1, r2, r3) <= 1, #ID ": two operands that are no addresses");
#include "sim/isa/isa.def"
/* clang-format on */

_Static_assert(ISA_OPS + 2 <= UINT8_MAX, "isa_slot.op is a byte");

struct isa_machine isa_default_machine(void)
{
    struct isa_machine m = {.vlen = 8, .scratch = 1536, .cores = 1};
    for (unsigned e = 0; e < ISA_ENGINES; e++)
        m.slots[e] = engines[e].slots;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        m.latency[e] = 1;
    return m;
}

const char *isa_machine_validate(const struct isa_machine *m)
{
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        if (m->slots[e] > ISA_MAX_SLOTS)
            return "slots: expected at most 64 an engine";
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        if (m->latency[e] < 1 || m->latency[e] > ISA_MAX_LATENCY)
            return "latency: expected 1 to 64 cycles";
    if (m->vlen < 1 || m->vlen > ISA_MAX_VLEN)
        return "vlen: expected 1 to 64";
    if (m->scratch < 1 || m->scratch > ISA_MAX_SCRATCH)
        return "scratch: expected 1 to 16777216 words";
    if (m->cores < 1 || m->cores > ISA_MAX_CORES)
        return "cores: expected 1 to 64";
    return NULL;
}

const char *isa_engine_name(enum isa_engine e)
{
    return engines[e].name;
}

const char *isa_engine_doc(enum isa_engine e)
{
    return engines[e].doc;
}

static bool same(const char *name, const char *text, size_t length)
{
    return length && *name == *text && strlen(name) == length && memcmp(name, text, length) == 0;
}

enum isa_engine isa_find_engine(const char *name, size_t length)
{
    unsigned e = 0;
    while (e < ISA_ENGINES && !same(engines[e].name, name, length))
        e++;
    return (enum isa_engine)e;
}

enum isa_op isa_find_op(enum isa_engine engine, const char *name, size_t length)
{
    unsigned op = 0;
    while (op < ISA_OPS && (isa_table[op].engine != engine || !same(isa_table[op].name, name, length)))
        op++;
    return (enum isa_op)op;
}

uint32_t *isa_machine_parameter(struct isa_machine *m, const char *name, size_t length)
{
    static const char suffix[] = "_latency";
    const struct {
        const char *name;
        uint32_t *value;
    } others[] = {{"vlen", &m->vlen}, {"scratch", &m->scratch}, {"cores", &m->cores}};
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        if (same(others[i].name, name, length))
            return others[i].value;
    const size_t tail = sizeof suffix - 1;
    const bool late = length > tail && memcmp(name + length - tail, suffix, tail) == 0;
    const enum isa_engine e = isa_find_engine(name, late ? length - tail : length);
    return e >= (late ? ENGINE_DEBUG : ISA_ENGINES) ? NULL : late ? &m->latency[e] : &m->slots[e];
}

bool isa_machine_waits(const struct isa_machine *m)
{
    bool waits = false;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        waits = waits || m->latency[e] != 1;
    return waits;
}

struct isa_effects isa_effects(const struct isa_slot *s, uint32_t vlen)
{
    const struct isa_info *info = isa_info((enum isa_op)s->op);
    struct isa_effects fx = {0};
    int64_t lane = 0;
    for (unsigned i = 0; i < info->args; i++)
        if (info->role[i] == ROLE_LANE)
            lane = s->literal;
    for (unsigned i = 0; i < info->args; i++) {
        const enum isa_role role = info->role[i];
        if (!isa_role_is_address(role))
            continue;
        /* A lane is unbounded; clamp it so that the sum cannot overflow (and stays out of range). */
        const int64_t far = INT64_C(1) << 40;
        const int64_t shift = lane > far ? far : lane < -far ? -far : lane;
        const struct isa_range range = {s->arg[i] + shift, isa_role_is_vector(role) ? vlen : 1};
        if (isa_role_is_dest(role)) {
            fx.write = range;
            fx.writes = true;
        } else {
            fx.read[fx.reads++] = range;
        }
    }
    return fx;
}

uint32_t isa_eval(enum isa_op op, uint32_t a, uint32_t b, uint32_t c, uint32_t k)
{
    /* clang-format off */
    switch ((int)op) {
#define ISA_BINARY(ID, name, partial, expression, doc) \
    case OP_ALU_##ID:                                  \
    case OP_VALU_##ID: return isa_do_##ID(a, b, c, k);
#define ISA_SLOT(ID, engine, name, kind, r0, r1, r2, r3, expression, doc) \
    case OP_##ID: return isa_do_##ID(a, b, c, k);
#include "sim/isa/isa.def"
    default: return 0;
    }
    /* clang-format on */
}
