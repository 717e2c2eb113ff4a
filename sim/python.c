/* Programs from the objects of a running Python. Only objects of its own types are read, exactly of these:
 * none of that runs Python code, so nothing changes, moves or goes away meanwhile. What is anything else, or
 * wrong, is left to the caller, who has the reader of JSON say what is wrong.
 *
 * One walk does two things: it makes a program, or it holds the objects against one that was made before. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "sim/program/json_any.h"
#include "sim/program/operand.h"
#include "sim/public.h"

/* Deeper keys are opaque. */
enum { MAX_DEPTH = 50 };

/* What was looked up lately, by address. */
enum { KNOWN_NAMES = 64, KNOWN_INTS = 1024, ALIGNED = 16 };

/* An operation's or an engine's name that was looked up, by the object that it is. */
struct known {
    const void *name;
    unsigned engine, found;
};

struct known_int {
    const void *object;
    int64_t value;
};

/* The items of a list or a tuple. */
struct items {
    void *const *at;
    ptrdiff_t n;
};

struct reader {
    const struct sheaf_python *py;
    struct prog *p;          /* what is made, or NULL */
    const struct prog *seen; /* what is held against it, or NULL; and up to where: */
    size_t bundle, group, slot, text, name;
    void *slots, *keys; /* lists that are filled */
    struct items seen_slots, seen_keys;
    bool lasting; /* no key has a list in it, which could change */
    struct text spelled, canonical;
    struct known known[KNOWN_NAMES];
    struct known_int ints[KNOWN_INTS]; /* of 64 bits */
};

/* What Python has before the fields of an object, in all versions. */
struct head {
    ptrdiff_t references;
    const void *type;
    ptrdiff_t size; /* of lists and tuples */
};

static const void *type_of(const void *object)
{
    return ((const struct head *)object)->type;
}

static bool open_items(const struct reader *r, const void *object, struct items *out)
{
    const void *type = type_of(object);
    const char *bytes = object;
    out->n = ((const struct head *)object)->size;
    if (type == r->py->tuple_type)
        out->at = (void *const *)(const void *)(bytes + r->py->tuple_items);
    else if (type == r->py->list_type)
        out->at = *(void *const *const *)(const void *)(bytes + r->py->list_items);
    else
        return false;
    return true;
}

/* A whole number; beyond 64 bits modulo 2^64 and *fits false. */
static bool look_up_int(struct reader *r, void *object, int64_t *out, bool *fits)
{
    *fits = true;
    if (type_of(object) != r->py->int_type) {
        *out = object == r->py->true_object;
        return *out || object == r->py->false_object;
    }
    int overflow = 0;
    *out = r->py->int_value(object, &overflow);
    *fits = !overflow;
    if (overflow)
        *out = (int64_t)r->py->int_modulo(object);
    else
        r->ints[(uintptr_t)object / ALIGNED % KNOWN_INTS] = (struct known_int){object, *out};
    return true;
}

static inline bool read_int(struct reader *r, void *object, int64_t *out, bool *fits)
{
    const struct known_int *known = &r->ints[(uintptr_t)object / ALIGNED % KNOWN_INTS];
    if (known->object != object)
        return look_up_int(r, object, out, fits);
    *out = known->value;
    return *fits = true;
}

/* --- any value as JSON ------------------------------------------------------------------- */

/* How a value is spelled. */
enum spelling {
    PLAIN,     /* as it is */
    SPECIAL,   /* still to be brought into its one compact form */
    OPAQUE,    /* not in JSON */
    UNREADABLE /* not at all: Python has an error set */
};

/* There are many small pieces. The text is ended with a NUL when it is whole. */
static inline void put(struct reader *r, const char *s, size_t n)
{
    struct text *t = &r->spelled;
    if (t->capacity - t->n <= n) {
        text_add_n(t, s, n);
        return;
    }
    memcpy(t->at + t->n, s, n);
    t->n += n;
}

static enum spelling worse(enum spelling a, enum spelling b)
{
    return a > b ? a : b;
}

static enum spelling spell_int(struct reader *r, void *object)
{
    int64_t value;
    bool fits;
    if (!read_int(r, object, &value, &fits) || !fits)
        return OPAQUE;
    char digits[24];
    char *const end = digits + sizeof digits, *at = end;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        *--at = '-';
    put(r, at, (size_t)(end - at));
    return PLAIN;
}

static enum spelling spell_float(struct reader *r, void *object)
{
    const double value = r->py->float_value(object);
    if (!isfinite(value))
        return OPAQUE;
    text_addf(&r->spelled, "%.17e", value);
    return SPECIAL;
}

static bool has_surrogate(const struct sheaf_python *py, void *text)
{
    bool found = false;
    for (ptrdiff_t i = 0, n = py->text_at ? py->text_length(text) : 0; i < n && !found; i++)
        found = (py->text_at(text, i) & ~0x7ffu) == 0xd800;
    return found;
}

/* In what stands for an opaque object there is its number among the texts. */
static const char stand_in[] = "<object ";

static enum spelling spell_text(struct reader *r, void *object)
{
    ptrdiff_t n;
    if (has_surrogate(r->py, object))
        return OPAQUE;
    const char *s = r->py->text(object, &n);
    if (!s)
        return UNREADABLE;
    enum spelling how = strncmp(s, stand_in, sizeof stand_in - 1) == 0 ? OPAQUE : PLAIN;
    put(r, "\"", 1);
    for (const char *end = s + n; s < end;) {
        const char *from = s;
        while (s < end && *s >= ' ' && *s < 127 && *s != '"' && *s != '\\')
            s++;
        put(r, from, (size_t)(s - from));
        for (; s < end && !(*s >= ' ' && *s < 127 && *s != '"' && *s != '\\'); s++) {
            how = worse(how, *s ? SPECIAL : OPAQUE);
            if ((unsigned char)*s < 127)
                text_addf(&r->spelled, "\\u%04x", (unsigned)*s);
            else
                put(r, s, 1);
        }
    }
    put(r, "\"", 1);
    return how;
}

static enum spelling spell(struct reader *r, void *object, unsigned depth, bool *lists);

static enum spelling spell_items(struct reader *r, const struct items *of, unsigned depth, bool *lists)
{
    enum spelling how = PLAIN;
    put(r, "[", 1);
    for (ptrdiff_t i = 0; i < of->n && how < UNREADABLE; i++) {
        if (i)
            put(r, ",", 1);
        how = worse(how, spell(r, of->at[i], depth + 1, lists));
    }
    put(r, "]", 1);
    return how;
}

static enum spelling spell_dict(struct reader *r, void *object, unsigned depth, bool *lists)
{
    enum spelling how = SPECIAL; /* its keys are to be sorted */
    ptrdiff_t at = 0;
    void *key, *value;
    put(r, "{", 1);
    for (bool first = true; how < UNREADABLE && r->py->dict_next(object, &at, &key, &value); first = false) {
        if (!first)
            put(r, ",", 1);
        how = worse(how, type_of(key) == r->py->text_type ? spell_text(r, key) : OPAQUE);
        put(r, ":", 1);
        if (how < UNREADABLE)
            how = worse(how, spell(r, value, depth + 1, lists));
    }
    put(r, "}", 1);
    return how;
}

/* Appends it to r->spelled; *lists is set where it, or a part of it, is a list or a dict. */
static enum spelling spell(struct reader *r, void *object, unsigned depth, bool *lists)
{
    const struct sheaf_python *py = r->py;
    const void *type = type_of(object);
    struct items items;
    if (type == py->int_type)
        return spell_int(r, object);
    if (type == py->text_type)
        return spell_text(r, object);
    *lists = *lists || type == py->list_type || type == py->dict_type || depth == MAX_DEPTH;
    if (depth == MAX_DEPTH)
        return OPAQUE;
    if (open_items(r, object, &items))
        return spell_items(r, &items, depth, lists);
    if (type == py->dict_type)
        return spell_dict(r, object, depth, lists);
    if (type == py->float_type)
        return spell_float(r, object);
    const char *constant = object == py->none_object    ? "null"
                           : object == py->true_object  ? "true"
                           : object == py->false_object ? "false"
                                                        : NULL;
    if (constant)
        text_add(&r->spelled, constant);
    return constant ? PLAIN : OPAQUE;
}

/* The one compact spelling of an object that becomes text `number`, valid until the next; NULL on failure. */
static const struct text *spelling_of(struct reader *r, void *object, size_t number, bool key)
{
    bool lists = false;
    r->spelled.n = r->canonical.n = 0;
    enum spelling how = spell(r, object, 0, &lists);
    const struct text *found = &r->spelled;
    put(r, "", 1);
    r->spelled.n -= text_ok(&r->spelled);
    if (how == SPECIAL && text_ok(&r->spelled)) {
        struct json_any any;
        const enum status status = json_any_read(r->spelled.at, r->spelled.n, &r->canonical, &any);
        how = status == ST_OK ? PLAIN : status == ST_INPUT ? OPAQUE : UNREADABLE;
        found = &r->canonical;
    }
    if (how == OPAQUE || (how == PLAIN && found->n > JSON_ANY_MAX)) {
        how = OPAQUE;
        r->spelled.n = 0;
        text_addf(&r->spelled, "\"%s%zu>\"", stand_in, number);
        found = &r->spelled;
    }
    r->lasting = r->lasting && !(lists && (key || how == OPAQUE));
    return how != UNREADABLE && text_ok(found) ? found : NULL;
}

/* --- making a program, or holding it against one ----------------------------------------- */

static bool meet_bundle(struct reader *r, uint32_t line)
{
    if (r->p)
        return prog_add_bundle(r->p, line);
    const size_t i = r->bundle++;
    return i < r->seen->bundles.n && r->seen->bundles.at[i].first_group == r->group;
}

static bool meet_group(struct reader *r, enum isa_engine engine)
{
    if (r->p)
        return prog_add_group(r->p, engine);
    const size_t i = r->group++;
    return i < r->seen->groups.n && r->seen->groups.at[i].engine == engine &&
           r->seen->groups.at[i].first_slot == r->slot;
}

static bool meet_slot(struct reader *r, struct isa_slot slot)
{
    if (r->p)
        return prog_add_slot(r->p, slot);
    const size_t i = r->slot++;
    if (i >= r->seen->slots.n)
        return false;
    const struct isa_slot *s = &r->seen->slots.at[i];
    return s->op == slot.op && s->engine == slot.engine && s->literal == slot.literal &&
           memcmp(s->arg, slot.arg, sizeof slot.arg) == 0;
}

/* Its number, or -1. */
static int64_t meet_text(struct reader *r, void *object, bool key)
{
    if (r->p) {
        const struct text *t = spelling_of(r, object, r->p->texts.n, key);
        return t && r->py->list_append(r->keys, object) == 0 ? prog_add_text(r->p, t->at, t->n) : -1;
    }
    const size_t i = r->text++;
    if (i >= r->seen->texts.n)
        return -1;
    if (r->seen_keys.at[i] == object)
        return (int64_t)i;
    const char *text = r->seen->texts.at[i];
    const struct text *t =
        strncmp(text + 1, stand_in, sizeof stand_in - 1) == 0 ? NULL : spelling_of(r, object, i, key);
    return t && strcmp(t->at, text) == 0 ? (int64_t)i : -1;
}

/* How many of the program's texts a slot has. */
static size_t texts_of(const struct isa_slot *s)
{
    const struct isa_info *info = isa_info((enum isa_op)s->op);
    for (unsigned i = 0; i < info->args; i++)
        if (info->role[i] >= ROLE_KEY)
            return info->role[i] == ROLE_KEYS ? (size_t)s->arg[1] : 1;
    return 0;
}

/* Whether this very object, which cannot have changed, was read at this place: then there is no more to look
 * at. */
static bool is_same_slot(struct reader *r, const void *object)
{
    if (r->p || r->slot >= r->seen->slots.n || r->seen_slots.at[r->slot] != object)
        return false;
    r->text += texts_of(&r->seen->slots.at[r->slot++]);
    return true;
}

/* --- slots --------------------------------------------------------------------------------- */

/* What the name is: an operation of the engine, or with ISA_ENGINES an engine. */
static bool find_name(struct reader *r, void *name, unsigned engine, unsigned *found)
{
    struct known *k = &r->known[((uintptr_t)name / ALIGNED ^ engine) % KNOWN_NAMES];
    if (k->name != name || k->engine != engine) {
        ptrdiff_t n;
        const char *s = type_of(name) == r->py->text_type ? r->py->text(name, &n) : NULL;
        if (!s)
            return false;
        *k = (struct known){name, engine,
                            engine == ISA_ENGINES
                                ? (unsigned)isa_find_engine(s, (size_t)n)
                                : (unsigned)isa_find_op((enum isa_engine)engine, s, (size_t)n)};
    }
    *found = k->found;
    return true;
}

static bool read_keys(struct reader *r, void *object, struct isa_slot *slot)
{
    struct items keys;
    if (!open_items(r, object, &keys))
        return false;
    slot->literal = (int64_t)(r->p ? r->p->texts.n : r->text);
    for (ptrdiff_t i = 0; i < keys.n; i++)
        if (meet_text(r, keys.at[i], true) < 0)
            return false;
    slot->arg[1] = (int32_t)keys.n;
    return keys.n <= INT32_MAX;
}

static bool read_operand(struct reader *r, void *object, struct isa_slot *slot, unsigned i,
                         enum isa_role role)
{
    if (role == ROLE_KEYS)
        return read_keys(r, object, slot);
    if (role == ROLE_KEY || role == ROLE_TEXT)
        return (slot->literal = meet_text(r, object, role == ROLE_KEY)) >= 0;
    const struct operand_rule rule = operand_rule(role);
    int64_t value;
    bool fits;
    if (!read_int(r, object, &value, &fits) || value < rule.low || value > rule.high ||
        (!fits && role != ROLE_LITERAL))
        return false;
    operand_put(slot, i, role, fits ? value : operand_fold((uint64_t)value));
    return true;
}

/* Keeps the slot for is_same_slot, if it cannot change: keys cannot where the program is lasting. */
static bool keep_slot(const struct reader *r, void *object, const struct isa_slot *slot)
{
    const enum isa_kind kind = isa_info((enum isa_op)slot->op)->kind;
    const bool fixed = type_of(object) == r->py->tuple_type &&
                       (kind == KIND_COMPARE ? slot->op == OP_COMPARE : !texts_of(slot));
    return !r->p || r->py->list_append(r->slots, fixed ? object : r->py->none_object) == 0;
}

static bool read_slot(struct reader *r, enum isa_engine engine, void *object)
{
    struct items items;
    unsigned op;
    if (is_same_slot(r, object))
        return true;
    if (!open_items(r, object, &items) || items.n < 1 || !find_name(r, items.at[0], engine, &op))
        return false;
    const struct isa_info *info = isa_info((enum isa_op)op);
    struct isa_slot slot = {.op = (uint8_t)op, .engine = (uint8_t)engine};
    if (op == OP_UNKNOWN || (info->kind == KIND_NOTHING && items.n != 2)) {
        slot.op = engine == ENGINE_DEBUG ? OP_IGNORED : OP_UNKNOWN;
        slot.literal = meet_text(r, object, false);
        return slot.literal >= 0 && keep_slot(r, object, &slot) && meet_slot(r, slot);
    }
    if (items.n != info->args + 1)
        return false;
    for (unsigned i = 0; i < info->args; i++)
        if (!read_operand(r, items.at[i + 1], &slot, i, info->role[i]))
            return false;
    return keep_slot(r, object, &slot) && meet_slot(r, slot);
}

/* --- bundles -------------------------------------------------------------------------------- */

static bool read_group(struct reader *r, void *name, void *object)
{
    struct items slots;
    unsigned engine;
    if (!find_name(r, name, ISA_ENGINES, &engine) || engine == ISA_ENGINES ||
        !open_items(r, object, &slots) || !meet_group(r, (enum isa_engine)engine))
        return false;
    for (ptrdiff_t i = 0; i < slots.n; i++)
        if (!read_slot(r, (enum isa_engine)engine, slots.at[i]))
            return false;
    return true;
}

static bool read_bundle(struct reader *r, void *object, uint32_t line)
{
    ptrdiff_t at = 0;
    void *name, *slots;
    if (type_of(object) != r->py->dict_type || !meet_bundle(r, line))
        return false;
    while (r->py->dict_next(object, &at, &name, &slots))
        if (!read_group(r, name, slots))
            return false;
    return true;
}

static bool read_bundles(struct reader *r, void *object)
{
    struct items bundles;
    if (!open_items(r, object, &bundles) || bundles.n > PROG_MAX_BUNDLES)
        return false;
    for (ptrdiff_t i = 0; i < bundles.n; i++)
        if (!read_bundle(r, bundles.at[i], (uint32_t)i + 1))
            return false;
    return true;
}

/* --- names ---------------------------------------------------------------------------------- */

/* Of a type that is not one of those that are read: it may stand for a number. */
static bool is_foreign(const struct reader *r, const void *object)
{
    const struct sheaf_python *py = r->py;
    const void *type = type_of(object);
    const void *const known[] = {py->int_type,  py->text_type, py->tuple_type, py->list_type, py->float_type,
                                 py->dict_type, NULL};
    unsigned i = 0;
    while (known[i] && known[i] != type)
        i++;
    return !known[i] && object != py->none_object && object != py->true_object && object != py->false_object;
}

enum naming { SHOWN, PASSED_OVER, UNNAMED /* for the caller to look at */ };

/* A name that messages can show; others are passed over: nothing depends on them. */
static enum naming name_of(struct reader *r, void *key, void *value, struct prog_name *out, size_t *length)
{
    struct items pair;
    int64_t address, words;
    bool fits, both;
    if (is_foreign(r, key) || is_foreign(r, value))
        return UNNAMED;
    if (!open_items(r, value, &pair) || pair.n != 2)
        return PASSED_OVER;
    if (is_foreign(r, pair.at[0]) || is_foreign(r, pair.at[1]))
        return UNNAMED;
    if (type_of(pair.at[0]) != r->py->text_type || !read_int(r, key, &address, &fits) ||
        !read_int(r, pair.at[1], &words, &both) || !fits || !both || address < 0 || address > INT32_MAX ||
        words < 0 || words > ISA_MAX_SCRATCH)
        return PASSED_OVER;
    ptrdiff_t n;
    const char *name = r->py->text(pair.at[0], &n);
    if (!name)
        return UNNAMED;
    *out = (struct prog_name){name, (uint32_t)address, (uint32_t)words};
    *length = (size_t)n;
    return memchr(name, '\0', *length) ? PASSED_OVER : SHOWN;
}

static bool meet_name(struct reader *r, const struct prog_name *n, size_t length)
{
    if (r->p)
        return prog_add_name(r->p, n->name, length, n->address, n->length);
    const size_t i = r->name++;
    if (i >= r->seen->names.n)
        return false;
    const struct prog_name *s = &r->seen->names.at[i];
    return s->address == n->address && s->length == n->length && strcmp(s->name, n->name) == 0;
}

static bool read_names(struct reader *r, void *object)
{
    ptrdiff_t at = 0;
    void *key, *value;
    if (!object)
        return true;
    if (type_of(object) != r->py->dict_type)
        return false;
    while (r->py->dict_next(object, &at, &key, &value)) {
        struct prog_name name;
        size_t length;
        const enum naming naming = name_of(r, key, value, &name, &length);
        if (naming == UNNAMED || (naming == SHOWN && !meet_name(r, &name, length)))
            return false;
    }
    return true;
}

/* --- the two uses ---------------------------------------------------------------------------- */

static bool walk(struct reader *r, void *bundles, void *names)
{
    const bool good = read_names(r, names) && read_bundles(r, bundles);
    text_free(&r->spelled);
    text_free(&r->canonical);
    return good;
}

enum sheaf_status sheaf_program_from_python(const struct sheaf_python *python, void *bundles, void *names,
                                            void *slots, void *keys, bool *lasting,
                                            struct sheaf_program **out)
{
    *out = NULL;
    struct reader r = {.py = python, .p = prog_create(), .slots = slots, .keys = keys, .lasting = true};
    if (!r.p)
        return SHEAF_NO_MEMORY;
    if (!walk(&r, bundles, names)) { /* names are sorted when one is shown: mostly never */
        prog_destroy(r.p);
        return SHEAF_INPUT;
    }
    r.p->object_form = r.p->names.n > 0;
    *lasting = r.lasting;
    return public_program(r.p, out);
}

bool sheaf_program_is_python(const struct sheaf_program *program, const struct sheaf_python *python,
                             void *bundles, void *names, void *slots, void *keys)
{
    const struct prog *p = program->prog;
    struct reader r = {.py = python, .seen = p, .lasting = true};
    if (!open_items(&r, slots, &r.seen_slots) || !open_items(&r, keys, &r.seen_keys) ||
        r.seen_slots.n != (ptrdiff_t)p->slots.n || r.seen_keys.n != (ptrdiff_t)p->texts.n)
        return false;
    return walk(&r, bundles, names) && r.bundle == p->bundles.n && r.group == p->groups.n &&
           r.slot == p->slots.n && r.text == p->texts.n && r.name == p->names.n && r.lasting;
}
