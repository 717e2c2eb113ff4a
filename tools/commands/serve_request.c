/* All keys are read before any is applied. The program is passed over, whatever it holds: its own reader is
 * fast, and knows the places of errors. */
#include "tools/commands/serve_request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/commands/json_copy.h"

enum key {
    KEY_ID,
    KEY_KERNEL,
    KEY_SET,
    KEY_CONTRACT,
    KEY_INPUTS,
    KEY_SEED,
    KEY_STRICT,
    KEY_CYCLE_LIMIT,
    KEY_TIME_LIMIT,
    KEY_PROGRAM,
    KEY_ASM,
    KEYS
};

/* A request's values, not applied yet. */
struct reader {
    struct scan s;
    struct request *q;
    size_t at[KEYS];                     /* where the value stands; 0: the key is not given */
    struct text word[KEY_CONTRACT + 1];  /* of a string, with a NUL behind */
    uint64_t number[KEY_TIME_LIMIT + 1]; /* of a number; of `strict`, 0 or 1 */
    bool malformed;                      /* it is no JSON, as far as it was read */
};

typedef bool value_reader(struct reader *r, enum key key);

/* --- values ----------------------------------------------------------------------- */

static bool read_id(struct reader *r, enum key key)
{
    (void)key;
    r->q->id.n = 0;
    const bool good = json_copy(&r->s, &r->q->id);
    if (!good)
        r->q->id.n = 0;
    return good;
}

static bool read_word(struct reader *r, enum key key)
{
    struct text *word = &r->word[key];
    if (!json_characters(&r->s, word, "a string"))
        return false;
    return strlen(word->at) == word->n || scan_fail(&r->s, r->at[key], "expected no \\u0000 in the string");
}

static bool read_number(struct reader *r, enum key key)
{
    static const struct {
        uint64_t low, high;
    } range[] = {[KEY_INPUTS] = {1, JUDGE_MAX_INPUTS},
                 [KEY_SEED] = {0, UINT64_MAX},
                 [KEY_CYCLE_LIMIT] = {0, UINT64_MAX - 1},
                 [KEY_TIME_LIMIT] = {0, UINT32_MAX}};
    size_t n;
    const char *digits = json_number_at(&r->s, &n);
    uint64_t value = 0;
    bool good = n > 0;
    for (size_t i = 0; i < n && good; i++) {
        const unsigned digit = (unsigned)(unsigned char)digits[i] - '0';
        good = digit < 10 && value <= (UINT64_MAX - digit) / 10;
        value = value * 10 + digit;
    }
    r->number[key] = value;
    if (good && value >= range[key].low && value <= range[key].high)
        return true;
    char found[48];
    (void)snprintf(found, sizeof found, "%.*s%s", n < 40 ? (int)n : 40, digits, n > 40 ? "..." : "");
    return scan_fail(&r->s, r->at[key], "expected a whole number from %" PRIu64 " to %" PRIu64 ", found %s",
                     range[key].low, range[key].high, n ? found : scan_found(&r->s));
}

static bool read_truth(struct reader *r, enum key key)
{
    struct scan *s = &r->s;
    const char *at = s->text + s->pos;
    const size_t left = s->size - s->pos;
    r->number[key] = left >= 4 && memcmp(at, "true", 4) == 0;
    if (!r->number[key] && !(left >= 5 && memcmp(at, "false", 5) == 0))
        return scan_fail(s, s->pos, "expected true or false, found %s", scan_found(s));
    s->pos += r->number[key] ? 4 : 5;
    return true;
}

/* Passes over a value, whose brackets are counted and nothing else is looked at: its reader will. */
static bool pass_program(struct reader *r, enum key key)
{
    (void)key;
    struct scan *s = &r->s;
    const size_t start = s->pos;
    size_t i = start, depth = 0;
    bool in_string = false;
    for (; i < s->size; i++) {
        const char c = s->text[i];
        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            depth++;
        } else if ((c == ']' || c == '}') && depth && --depth == 0) {
            i++;
            break;
        } else if (!depth && (c == ',' || c == ']' || c == '}')) {
            break;
        }
    }
    s->pos = i < s->size ? i : s->size;
    if (s->pos == start)
        return scan_fail(s, start, "expected a program, found %s", scan_found(s));
    r->q->program = s->text + start;
    r->q->size = s->pos - start;
    return true;
}

static bool read_assembly(struct reader *r, enum key key)
{
    (void)key;
    return json_characters(&r->s, &r->q->assembly, "assembly in a string");
}

static const struct {
    const char *name;
    value_reader *read;
} keys[KEYS] = {[KEY_ID] = {"id", read_id},
                [KEY_KERNEL] = {"kernel", read_word},
                [KEY_SET] = {"set", read_word},
                [KEY_CONTRACT] = {"contract", read_word},
                [KEY_INPUTS] = {"inputs", read_number},
                [KEY_SEED] = {"seed", read_number},
                [KEY_STRICT] = {"strict", read_truth},
                [KEY_CYCLE_LIMIT] = {"cycle_limit", read_number},
                [KEY_TIME_LIMIT] = {"time_limit", read_number},
                [KEY_PROGRAM] = {"program", pass_program},
                [KEY_ASM] = {"asm", read_assembly}};

/* --- the object ------------------------------------------------------------------- */

static bool read_member(struct reader *r)
{
    struct json_token name;
    r->malformed = true;
    if (!scan_key(&r->s, &name))
        return false;
    r->malformed = false;
    unsigned key = 0;
    while (key < KEYS && (strlen(keys[key].name) != name.n || memcmp(keys[key].name, name.at, name.n) != 0))
        key++;
    if (key == KEYS)
        return scan_fail(&r->s, name.offset, "no key `%.*s` in a request", TOKEN(name));
    if (r->at[key])
        return scan_fail(&r->s, name.offset, "key `%s` is given twice", keys[key].name);
    (void)scan_peek(&r->s);
    r->at[key] = r->s.pos;
    return keys[key].read(r, (enum key)key);
}

static bool read_members(struct reader *r)
{
    r->malformed = true;
    if (!scan_open(&r->s, '{', "a request (an object)"))
        return false;
    for (bool first = true; scan_item(&r->s, '}', &first); r->malformed = true)
        if (!read_member(r))
            return false;
    r->malformed = !scan_finish(&r->s);
    return !r->malformed;
}

/* --- the rules -------------------------------------------------------------------- */

static bool apply_kernel(struct reader *r, bool *other)
{
    struct judge_rules *rules = &r->q->rules;
    const struct text *word = &r->word[KEY_KERNEL];
    if (!r->at[KEY_KERNEL])
        return true;
    const struct kern *k = kern_find(word->at, word->n);
    if (!k)
        return scan_fail(&r->s, r->at[KEY_KERNEL], "no kernel `%.*s`", TOKEN(*word));
    *other = k != rules->kernel;
    if (*other) {
        rules->kernel = k;
        rules->params = kern_defaults(k);
    }
    return true;
}

static bool apply_set(struct reader *r)
{
    struct judge_rules *rules = &r->q->rules;
    struct diag d;
    return !r->at[KEY_SET] || kern_set(rules->kernel, r->word[KEY_SET].at, &rules->params, &d) == ST_OK ||
           scan_fail(&r->s, r->at[KEY_SET], "%s", d.text);
}

/* As the command has it: the one that is named, or the first that admits the sizes. */
static bool apply_contract(struct reader *r, bool given)
{
    struct judge_rules *rules = &r->q->rules;
    const struct kern *k = rules->kernel;
    const struct text *word = &r->word[KEY_CONTRACT];
    if (r->at[KEY_CONTRACT])
        rules->contract = kern_find_contract(k, word->at);
    else if (!given)
        rules->contract = kern_default_contract(k, &rules->params);
    if (rules->contract >= k->n_contracts)
        return scan_fail(&r->s, r->at[KEY_CONTRACT], "%s has no contract `%.*s`", k->name, TOKEN(*word));
    const char *why = k->validate(&rules->params, rules->contract);
    return !why || scan_fail(&r->s, r->at[KEY_SET], "%s, contract %s: %s", k->name,
                             k->contracts[rules->contract].name, why);
}

static void apply_numbers(struct reader *r)
{
    struct judge_rules *rules = &r->q->rules;
    if (r->at[KEY_INPUTS])
        rules->inputs = (uint32_t)r->number[KEY_INPUTS];
    if (r->at[KEY_SEED]) {
        rules->seeded = true;
        rules->seed = r->number[KEY_SEED];
    }
    if (r->at[KEY_STRICT])
        rules->strict = r->number[KEY_STRICT];
    if (r->at[KEY_CYCLE_LIMIT])
        rules->cycle_limit = r->number[KEY_CYCLE_LIMIT];
    if (r->at[KEY_TIME_LIMIT])
        rules->time_limit = r->number[KEY_TIME_LIMIT];
}

static bool apply(struct reader *r, const struct serve_rules *rules)
{
    bool other_kernel = false;
    r->q->rules = rules->judge;
    if (!r->at[KEY_PROGRAM] && !r->at[KEY_ASM])
        return scan_fail(&r->s, 0, "key `program` (or `asm`) is missing");
    if (r->at[KEY_PROGRAM] && r->at[KEY_ASM])
        return scan_fail(&r->s, 0, "expected `program` or `asm`, not both");
    apply_numbers(r);
    return apply_kernel(r, &other_kernel) && apply_set(r) &&
           apply_contract(r, rules->contract_given && !other_kernel);
}

/* --- ids -------------------------------------------------------------------------- */

/* The end of the string that begins at `at`: behind its quote. */
static size_t string_end(const char *line, size_t size, size_t at)
{
    for (at++; at < size && line[at] != '"'; at++)
        at += line[at] == '\\';
    return at < size ? at + 1 : size;
}

void request_find_id(struct request *q, const char *line, size_t size)
{
    static const char name[] = "\"id\"";
    const size_t length = sizeof name - 1;
    size_t depth = 0;
    for (size_t i = 0; i < size && !q->id.n;) {
        if (line[i] != '"') {
            depth += line[i] == '{' || (line[i] == '[' && depth);
            depth -= (line[i] == '}' && depth) || (line[i] == ']' && depth > 1);
            if (line[i++] == '}' && !depth)
                break;
            continue;
        }
        const size_t start = i;
        i = string_end(line, size, i);
        if (depth != 1 || i - start != length || memcmp(line + start, name, length) != 0)
            continue;
        struct scan s;
        scan_begin(&s, line, size, NULL, NULL);
        s.pos = i;
        if (scan_peek(&s) == ':') {
            s.pos++;
            if (!json_copy(&s, &q->id))
                q->id.n = 0;
        }
        scan_end(&s);
    }
}

/* ---------------------------------------------------------------------------------- */

enum request_end request_read(struct request *q, const struct serve_rules *rules, const char *line,
                              size_t size, struct diag *d)
{
    struct reader r = {.q = q};
    scan_begin(&r.s, line, size, "request", d);
    const bool good = read_members(&r) && apply(&r, rules);
    q->is_asm = good && r.at[KEY_ASM];
    if (q->is_asm) {
        q->program = q->assembly.at;
        q->size = q->assembly.n;
    }
    scan_end(&r.s);
    for (unsigned i = 0; i < sizeof r.word / sizeof *r.word; i++)
        text_free(&r.word[i]);
    if (good)
        return REQUEST_FINE;
    q->rules = rules->judge;
    q->rules.kernel = NULL;
    if (!q->id.n)
        request_find_id(q, line, size);
    return r.malformed && q->program ? REQUEST_PROGRAM : REQUEST_ERROR;
}

void request_free(struct request *q)
{
    text_free(&q->id);
    text_free(&q->assembly);
}
