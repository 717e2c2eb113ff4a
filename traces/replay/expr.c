/* A recursive descent by precedence (Richards' BCPL compiler did it so) into nodes that refer to
 * earlier nodes; limits on text and nodes bound the recursion. */
#include "traces/replay/expr.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/program/print.h"

enum { MAX_TEXT = 1000, MAX_NODES = 256, MAX_DEPTH = 64 };

enum code {
    E_NUMBER,
    E_PC,
    E_CYCLE,
    E_CORE,
    E_ROUND,
    E_SCRATCH, /* from here on of an operand, a */
    E_NAMED,   /* scratch word `number` + a, a below `words` */
    E_MEM,
    E_NEGATE,
    E_NOT,
    E_OR, /* from here on of operands a and b */
    E_AND,
    E_NE,
    E_LE,
    E_GT,
    E_GE,
    E_MACHINE, /* and above: a binary operator of the machine, the rest is its enum isa_op */
};

struct node {
    enum code code;
    uint64_t number;
    uint32_t words;
    uint16_t a, b;
};

struct expr {
    uint16_t root;
    struct node at[];
};

struct parser {
    const char *text, *at;
    const struct prog *p;
    struct diag *d;
    struct node node[MAX_NODES];
    uint16_t n;
    unsigned depth;
    enum status status;
};

/* Names the first error; what follows is parsed to no effect. */
#define FAIL(x, where, ...)                                                                           \
    ((x)->status == ST_OK ? (void)((x)->status = diag_at((x)->d, "", (x)->text, strlen((x)->text),    \
                                                         (size_t)((where) - (x)->text), __VA_ARGS__)) \
                          : (void)0)

static void skip_space(struct parser *x)
{
    x->at += strspn(x->at, " \t\r\n");
}

static bool take(struct parser *x, const char *token)
{
    skip_space(x);
    const size_t n = strlen(token);
    if (x->status != ST_OK || strncmp(x->at, token, n) != 0)
        return false;
    x->at += n;
    return true;
}

static uint16_t add(struct parser *x, enum code code, uint64_t number, uint16_t a, uint16_t b)
{
    if (x->n == MAX_NODES) {
        FAIL(x, x->at, "too long an expression");
        return 0;
    }
    x->node[x->n] = (struct node){.code = code, .number = number, .a = a, .b = b};
    return x->n++;
}

static uint16_t parse(struct parser *x, unsigned level);

/* --- operands ------------------------------------------------------------------- */

/* The spelling of a name at x->at, unquoted, into `out`; its length in the text, 0 if there is none. */
static size_t scan_name(const struct parser *x, char out[MAX_TEXT])
{
    const char *at = x->at;
    size_t n = 0, length = 0;
    if (*at == '"') {
        for (length = 1; at[length] && at[length] != '"'; length++) {
            length += at[length] == '\\' && at[length + 1];
            out[n++] = at[length];
        }
        length = at[length] ? length + 1 : 0;
    } else if (print_ident_start(*at)) {
        while (print_ident_part(at[length]))
            out[n++] = at[length++];
    }
    out[n] = '\0';
    return length;
}

static const struct prog_name *find_name(const struct prog *p, const char *name)
{
    for (size_t i = 0; i < p->names.n; i++)
        if (strcmp(p->names.at[i].name, name) == 0)
            return &p->names.at[i];
    return NULL;
}

static uint16_t parse_number(struct parser *x)
{
    char *end;
    const bool hex = x->at[0] == '0' && (x->at[1] == 'x' || x->at[1] == 'X');
    const uint64_t value = strtoull(x->at, &end, hex ? 16 : 10);
    if (print_ident_part(*end) || value == UINT64_MAX)
        FAIL(x, x->at, "no whole number, decimal or hexadecimal");
    x->at = end;
    return add(x, E_NUMBER, value, 0, 0);
}

static uint16_t parse_index(struct parser *x)
{
    const uint16_t index = parse(x, 0);
    if (!take(x, "]"))
        FAIL(x, x->at, "expected `]`");
    return index;
}

static uint16_t name_operand(struct parser *x, const struct prog_name *name, const char *where)
{
    const bool indexed = take(x, "[");
    if (!indexed && name->length > 1)
        FAIL(x, where, "`%s` has %u words: use %s[0] to %s[%u]", name->name, name->length, name->name,
             name->name, name->length - 1);
    const uint16_t index = indexed ? parse_index(x) : add(x, E_NUMBER, 0, 0, 0);
    const uint16_t node = add(x, E_NAMED, name->address, index, 0);
    x->node[node].words = name->length;
    return node;
}

static uint16_t machine_operand(struct parser *x, const char *name, const char *where)
{
    static const struct {
        const char *name;
        enum code code;
    } registers[] = {{"pc", E_PC}, {"cycle", E_CYCLE}, {"core", E_CORE}, {"round", E_ROUND}};
    for (unsigned i = 0; i < sizeof registers / sizeof *registers; i++)
        if (strcmp(registers[i].name, name) == 0)
            return add(x, registers[i].code, 0, 0, 0);
    const bool mem = strcmp(name, "m") == 0;
    if ((mem || strcmp(name, "s") == 0) && take(x, "["))
        return add(x, mem ? E_MEM : E_SCRATCH, 0, parse_index(x), 0);
    FAIL(x, where, "no name `%.60s` (try: names)", name);
    return 0;
}

static uint16_t parse_operand(struct parser *x)
{
    char name[MAX_TEXT];
    skip_space(x);
    const char *where = x->at;
    uint16_t node = 0;
    if (++x->depth > MAX_DEPTH) {
        FAIL(x, x->at, "too deep an expression");
    } else if (take(x, "(")) {
        node = parse(x, 0);
        if (!take(x, ")"))
            FAIL(x, x->at, "expected `)`");
    } else if (take(x, "-")) {
        node = add(x, E_NEGATE, 0, parse_operand(x), 0);
    } else if (take(x, "!")) {
        node = add(x, E_NOT, 0, parse_operand(x), 0);
    } else if (*x->at >= '0' && *x->at <= '9') {
        node = parse_number(x);
    } else {
        const bool machine = take(x, "$");
        const size_t length = scan_name(x, name);
        x->at += length;
        const struct prog_name *found = machine ? NULL : find_name(x->p, name);
        if (length == 0)
            FAIL(x, where, "expected a name, a number, s[...] or m[...]");
        else
            node = found ? name_operand(x, found, where) : machine_operand(x, name, where);
    }
    x->depth--;
    return node;
}

/* --- operators ------------------------------------------------------------------ */

/* By level, the loosest first; of two with the same beginning the longer one first. */
static const struct infix {
    const char *token;
    unsigned level, code;
} infixes[] = {
    {"||", 0, E_OR},
    {"&&", 1, E_AND},
    {"==", 5, E_MACHINE + OP_ALU_EQ},
    {"!=", 5, E_NE},
    {"<<", 7, E_MACHINE + OP_ALU_SHL},
    {">>", 7, E_MACHINE + OP_ALU_SHR},
    {"<=", 6, E_LE},
    {">=", 6, E_GE},
    {"<", 6, E_MACHINE + OP_ALU_LT},
    {">", 6, E_GT},
    {"|", 2, E_MACHINE + OP_ALU_OR},
    {"^", 3, E_MACHINE + OP_ALU_XOR},
    {"&", 4, E_MACHINE + OP_ALU_AND},
    {"+", 8, E_MACHINE + OP_ALU_ADD},
    {"-", 8, E_MACHINE + OP_ALU_SUB},
    {"*", 9, E_MACHINE + OP_ALU_MUL},
    {"//", 9, E_MACHINE + OP_ALU_DIV},
    {"%", 9, E_MACHINE + OP_ALU_MOD},
};

enum { INFIXES = sizeof infixes / sizeof *infixes, LEVELS = 10 };

static const struct infix *peek_infix(struct parser *x)
{
    skip_space(x);
    for (unsigned i = 0; i < INFIXES && x->status == ST_OK; i++)
        if (strncmp(x->at, infixes[i].token, strlen(infixes[i].token)) == 0)
            return &infixes[i];
    return NULL;
}

/* What binds at least as tightly as `level`. */
static uint16_t parse(struct parser *x, unsigned level)
{
    if (level == LEVELS)
        return parse_operand(x);
    uint16_t left = parse(x, level + 1);
    for (const struct infix *o; (o = peek_infix(x)) && o->level == level;) {
        x->at += strlen(o->token);
        const uint16_t right = parse(x, level + 1);
        left = add(x, (enum code)o->code, 0, left, right);
    }
    return left;
}

static struct expr *finish(const struct parser *x, uint16_t root)
{
    struct expr *e = malloc(sizeof *e + x->n * sizeof *e->at);
    if (!e)
        return NULL;
    e->root = root;
    memcpy(e->at, x->node, x->n * sizeof *e->at);
    return e;
}

static enum status begin(struct parser *x, const char *text, const struct prog *p, struct diag *d)
{
    *x = (struct parser){.text = text, .at = text, .p = p, .d = d};
    return strlen(text) < MAX_TEXT ? ST_OK : diag_set(d, ST_INPUT, "too long an expression");
}

enum status expr_parse(const char *text, const struct prog *p, struct expr **out, struct diag *d)
{
    struct parser x;
    *out = NULL;
    if (begin(&x, text, p, d) != ST_OK)
        return ST_INPUT;
    const uint16_t root = parse(&x, 0);
    skip_space(&x);
    if (*x.at)
        FAIL(&x, x.at, "expected an operator, or the end");
    if (x.status != ST_OK)
        return x.status;
    *out = finish(&x, root);
    return *out ? ST_OK : diag_set(d, ST_NOMEM, "out of memory");
}

void expr_free(struct expr *e)
{
    free(e);
}

/* --- values --------------------------------------------------------------------- */

struct evaluation {
    const struct node *node;
    const struct sim *s;
    uint32_t core;
    struct diag *d;
};

static enum status word(const struct evaluation *x, bool mem, uint64_t address, uint64_t *out)
{
    const uint64_t n = mem ? x->s->mem_words : x->s->config.machine.scratch;
    if (address >= n)
        return diag_set(x->d, ST_INPUT, "no word %" PRIu64 ": %s has %" PRIu64, address,
                        mem ? "memory" : "scratch", n);
    *out = mem ? x->s->mem[address] : x->s->cores[x->core].scratch[address];
    return ST_OK;
}

/* A binary operator; comparisons are of 64 bits, for the cycle counter's sake. */
static enum status combine(const struct evaluation *x, unsigned code, uint64_t a, uint64_t b, uint64_t *out)
{
    switch (code) {
    case E_NE: *out = a != b; return ST_OK;
    case E_LE: *out = a <= b; return ST_OK;
    case E_GT: *out = a > b; return ST_OK;
    case E_GE: *out = a >= b; return ST_OK;
    case E_MACHINE + OP_ALU_EQ: *out = a == b; return ST_OK;
    case E_MACHINE + OP_ALU_LT: *out = a < b; return ST_OK;
    default: break;
    }
    const enum isa_op op = (enum isa_op)(code - E_MACHINE);
    if (isa_info(op)->partial && (uint32_t)b == 0)
        return diag_set(x->d, ST_INPUT, "division by 0");
    *out = isa_eval(op, (uint32_t)a, (uint32_t)b, 0, 0);
    return ST_OK;
}

static enum status evaluate(const struct evaluation *x, uint16_t at, uint64_t *out)
{
    const struct node *n = &x->node[at];
    uint64_t a = 0, b = 0;
    enum status status = ST_OK;
    *out = 0;
    if (n->code >= E_SCRATCH)
        status = evaluate(x, n->a, &a);
    if (status != ST_OK || (n->code == E_AND && !a))
        return status;
    if (n->code >= E_OR && !(n->code == E_OR && a))
        status = evaluate(x, n->b, &b);
    if (status != ST_OK)
        return status;
    switch ((unsigned)n->code) {
    case E_NUMBER: *out = n->number; return ST_OK;
    case E_NAMED:
        if (a >= n->words)
            return diag_set(x->d, ST_INPUT, "no index %" PRIu64 ": the name has %u words", a, n->words);
        return word(x, false, n->number + a, out);
    case E_SCRATCH: return word(x, false, a, out);
    case E_MEM: return word(x, true, a, out);
    case E_PC: *out = (uint64_t)x->s->cores[x->core].pc; return ST_OK;
    case E_CYCLE: *out = x->s->cycle; return ST_OK;
    case E_CORE: *out = x->core; return ST_OK;
    case E_ROUND: *out = x->s->rounds; return ST_OK;
    case E_NEGATE: *out = (uint32_t)(0 - a); return ST_OK;
    case E_NOT: *out = !a; return ST_OK;
    case E_OR: *out = a || b; return ST_OK;
    case E_AND: *out = a && b; return ST_OK;
    default: return combine(x, n->code, a, b, out);
    }
}

enum status expr_value(const struct expr *e, const struct sim *s, uint32_t core, uint64_t *out,
                       struct diag *d)
{
    const struct evaluation x = {e->at, s, core, d};
    return evaluate(&x, e->root, out);
}

/* --- places --------------------------------------------------------------------- */

static uint64_t parse_bound(struct parser *x, const struct sim *s, uint32_t core, uint64_t high)
{
    const struct evaluation e = {x->node, s, core, x->d};
    uint64_t value = 0;
    skip_space(x);
    const char *where = x->at;
    const uint16_t root = parse(x, 0);
    if (x->status == ST_OK)
        x->status = evaluate(&e, root, &value);
    if (value > high)
        FAIL(x, where, "word %" PRIu64 " is beyond the end: there are %" PRIu64, value, high);
    return x->status == ST_OK ? value : 0;
}

/* `X]` or `A:B]` within `words`. */
static void parse_range(struct parser *x, const struct sim *s, uint32_t core, uint64_t words,
                        struct word_range *out)
{
    const char *where = x->at;
    const uint64_t first = parse_bound(x, s, core, words);
    const uint64_t end = take(x, ":") ? parse_bound(x, s, core, words) : first + 1;
    if (!take(x, "]"))
        FAIL(x, x->at, "expected `]`");
    if (end > words || end <= first)
        FAIL(x, where, "expected one word or more of %" PRIu64, words);
    out->first += (uint32_t)first;
    out->n = (uint32_t)(end - first);
}

enum status word_range_parse(const char *text, const struct sim *s, uint32_t core, struct word_range *out,
                             struct diag *d)
{
    struct parser x;
    char name[MAX_TEXT];
    if (begin(&x, text, s->prog, d) != ST_OK)
        return ST_INPUT;
    const bool machine = take(&x, "$");
    skip_space(&x);
    const char *where = x.at;
    x.at += scan_name(&x, name);
    const struct prog_name *found = machine ? NULL : find_name(s->prog, name);
    const bool mem = !found && strcmp(name, "m") == 0;
    *out = (struct word_range){mem ? WORD_RANGE_MEM : core, found ? found->address : 0,
                               found ? found->length : 0};
    if (!found && !mem && strcmp(name, "s") != 0)
        FAIL(&x, where, "no name `%.60s` (try: names)", name);
    else if (take(&x, "["))
        parse_range(&x, s, core, found ? found->length : mem ? s->mem_words : s->config.machine.scratch, out);
    else if (!found)
        FAIL(&x, x.at, "expected `[`");
    skip_space(&x);
    if (*x.at)
        FAIL(&x, x.at, "expected the end");
    if (x.status == ST_OK && found && (uint64_t)out->first + out->n > s->config.machine.scratch)
        FAIL(&x, where, "`%s` lies beyond the %u words of scratch", name, s->config.machine.scratch);
    return x.status;
}

uint32_t word_range_word(const struct word_range *at, const struct sim *s, uint32_t i)
{
    return at->core == WORD_RANGE_MEM ? s->mem[at->first + i] : s->cores[at->core].scratch[at->first + i];
}

void word_range_text(const struct word_range *at, const struct prog *p, struct text *out)
{
    for (size_t i = 0; at->core != WORD_RANGE_MEM && i < p->names.n; i++) {
        const struct prog_name *n = &p->names.at[i];
        if (n->address == at->first && n->length == at->n) {
            text_add_shown(out, n->name, 0, TEXT_WHOLE);
            return;
        }
    }
    text_addf(out, "%s[%u", at->core == WORD_RANGE_MEM ? "m" : "s", at->first);
    if (at->n > 1)
        text_addf(out, ":%u", at->first + at->n);
    text_add(out, "]");
}
