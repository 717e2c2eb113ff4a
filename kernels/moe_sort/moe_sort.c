#include "kernels/moe_sort/moe_sort.h"

#include "sim/base/fnv.h"
#include "sim/base/random.h"

enum { MAX_ROUTED = 4096 };

static const struct kern_param params[MOE_PARAMS] = {
    [MOE_M] = {"M", "tokens", 4, 1, 1024, NULL, false},
    [MOE_E] = {"E", "experts that tokens are routed to", 256, 2, MOE_MAX_EXPERTS, NULL, false},
    [MOE_NG] = {"NG", "groups of experts", 8, 1, MOE_MAX_GROUPS, NULL, false},
    [MOE_TG] = {"TG", "groups kept for a token", 4, 1, MOE_MAX_GROUPS, NULL, false},
    [MOE_K] = {"K", "experts chosen for a token", 8, 1, MOE_MAX_CHOSEN, NULL, false},
    [MOE_SH] = {"SH", "shared experts, which every token has", 1, 0, MOE_MAX_SHARED, NULL, false},
    [MOE_U] = {"U", "entries of a block", 64, 1, 1024, NULL, false},
    [MOE_RS] = {"RS", "what a token's weights add up to", 32768, 1, 131071, NULL, false},
    [MOE_WSH] = {"WSH", "weight of a shared expert", 32768, 0, UINT32_MAX, NULL, false},
    [MOE_SPREAD] = {"spread", "biases are drawn within this distance of 262144", 655, 0, 262144, NULL, true},
    [MOE_SHAPE] = {"shape", "what is special about generated data", 0, 0, 18, moe_shapes, true},
    [MOE_TURN] = {"turn", "which of the inputs of shape=contest", 0, 0, 1 << 20, NULL, true},
};

static const struct kern_contract contracts[] = {
    {"sorted", "the input stays; num_valid counts, and sid, sw and se as far as it says; work is free"},
};

static const struct kern_variant variants[] = {
    {"staged",
     "gate, append, clear, sort: a program each, all between them in memory",
     {2858},
     moe_sort_staged,
     NULL,
     false},
    {"captured", "the same four as one program, addresses known", {2823}, moe_sort_captured, NULL, false},
    {"fused",
     "one program: blocks are filled while the gate computes, few tokens sorted in scratch",
     {403},
     NULL,
     moe_sort_fused,
     true},
};

static const char *validate(const struct kern_params *p, unsigned contract)
{
    (void)contract;
    const int64_t *at = p->at;
    if (at[MOE_E] % at[MOE_NG] != 0)
        return "NG does not divide E";
    if (at[MOE_E] / at[MOE_NG] < 2)
        return "a group has fewer than two experts: E is below 2 * NG";
    if (at[MOE_TG] > at[MOE_NG])
        return "TG is above NG";
    if (at[MOE_K] > at[MOE_TG] * (at[MOE_E] / at[MOE_NG]))
        return "K is above the experts of the groups kept, TG * E / NG";
    if (at[MOE_M] * at[MOE_K] > MAX_ROUTED)
        return "M * K is above 4096, for which the work area has room";
    return NULL;
}

struct moe_sizes moe_sizes(const struct kern_params *p)
{
    struct moe_sizes s = {
        .m = (uint32_t)p->at[MOE_M],
        .e = (uint32_t)p->at[MOE_E],
        .ng = (uint32_t)p->at[MOE_NG],
        .tg = (uint32_t)p->at[MOE_TG],
        .k = (uint32_t)p->at[MOE_K],
        .sh = (uint32_t)p->at[MOE_SH],
        .u = (uint32_t)p->at[MOE_U],
        .rs = (uint32_t)p->at[MOE_RS],
        .wsh = (uint32_t)p->at[MOE_WSH],
    };
    s.kt = s.k + s.sh;
    s.et = s.e + s.sh;
    s.group = s.e / s.ng;
    s.maxp = s.m * s.kt + s.et * s.u - s.kt;
    s.maxb = moe_cdiv(s.maxp, s.u);
    const uint32_t words[MOE_ARRAYS] = {
        [MOE_HEADER] = MOE_HEADER_WORDS,
        [MOE_SIG] = s.m * s.e,
        [MOE_BIAS] = s.e,
        [MOE_IDS] = s.m * s.kt,
        [MOE_W] = s.m * s.kt,
        [MOE_SID] = s.maxp,
        [MOE_SW] = s.maxp,
        [MOE_SE] = s.maxb,
        [MOE_NUM_VALID] = 2,
        [MOE_WORK] = 4 * s.et + 8192,
    };
    for (unsigned a = 0; a < MOE_ARRAYS; a++) {
        s.at[a] = s.end;
        s.words[a] = words[a];
        s.end += (words[a] + 7) / 8 * 8;
    }
    return s;
}

static void layout(struct kern_instance *p)
{
    static const char *const names[MOE_ARRAYS] = {"header", "sig", "bias", "ids",       "w",
                                                  "sid",    "sw",  "se",   "num_valid", "work"};
    const struct moe_sizes s = moe_sizes(&p->params);
    for (unsigned a = 0; a < MOE_ARRAYS; a++) {
        const uint32_t end = a + 1 < MOE_ARRAYS ? s.at[a + 1] : s.end;
        p->arrays[a] = (struct kern_array){names[a], s.at[a], end - s.at[a], 0};
    }
    p->n_arrays = MOE_ARRAYS;
    p->words = s.end;
}

static void draw(struct kern_instance *p)
{
    enum { MAX_SIGNAL = 32768, BIAS = 262144 };
    const struct moe_sizes s = moe_sizes(&p->params);
    uint32_t *m = p->image;
    for (unsigned i = 0; i < MOE_POINTERS; i++)
        m[i] = (uint32_t)p->params.at[i];
    for (unsigned a = MOE_SIG; a < MOE_ARRAYS; a++)
        m[MOE_POINTERS + a - MOE_SIG] = s.at[a];
    m[MOE_POINTERS + MOE_ARRAYS - MOE_SIG] = s.end - s.at[MOE_WORK];
    struct mt g;
    mt_seed(&g, p->seed);
    for (uint32_t i = 0; i < s.words[MOE_SIG]; i++)
        m[s.at[MOE_SIG] + i] = (uint32_t)mt_randint(&g, 1, MAX_SIGNAL);
    const int64_t spread = p->params.at[MOE_SPREAD];
    for (uint32_t i = 0; i < s.e; i++)
        m[s.at[MOE_BIAS] + i] = (uint32_t)(BIAS + mt_randint(&g, -spread, spread));
    moe_shape(p);
}

/* --- the reference -------------------------------------------------------------- */

/* Moves the n largest of `keys` to its front, in descending order. */
static void largest_first(uint32_t *keys, uint32_t count, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = i + 1; j < count; j++)
            if (keys[j] > keys[i]) {
                const uint32_t t = keys[i];
                keys[i] = keys[j];
                keys[j] = t;
            }
}

/* The experts of one token and their weights, shared ones too. */
static void gate(const struct moe_sizes *s, const uint32_t *sig, const uint32_t *bias, uint32_t *ids,
                 uint32_t *w)
{
    uint32_t key[MOE_MAX_EXPERTS] = {0}, groups[MOE_MAX_GROUPS] = {0}, kept[MOE_MAX_EXPERTS] = {0};
    uint32_t n = 0, sum = 0;
    for (uint32_t g = 0; g < s->ng; g++) {
        for (uint32_t i = 0; i < s->group; i++) {
            const uint32_t e = g * s->group + i;
            key[i] = ((sig[e] + bias[e]) << 8) | (s->e - 1 - e);
        }
        largest_first(key, s->group, 2);
        groups[g] = (((key[0] >> 8) + (key[1] >> 8)) << 3) | (s->ng - 1 - g);
    }
    largest_first(groups, s->ng, s->tg);
    for (uint32_t i = 0; i < s->tg; i++) {
        const uint32_t first = (s->ng - 1 - (groups[i] & 7)) * s->group;
        for (uint32_t e = first; e < first + s->group; e++)
            kept[n++] = ((sig[e] + bias[e]) << 8) | (s->e - 1 - e);
    }
    largest_first(kept, n, s->k);
    for (uint32_t j = 0; j < s->k; j++) {
        ids[j] = s->e - 1 - (kept[j] & 255);
        sum += sig[ids[j]];
    }
    for (uint32_t j = 0; j < s->k; j++)
        w[j] = sig[ids[j]] * s->rs / sum;
    for (uint32_t j = 0; j < s->sh; j++) {
        ids[s->k + j] = s->e + j;
        w[s->k + j] = s->wsh;
    }
}

/* Every token's experts to their places in blocks. */
static void sort(const struct moe_sizes *s, uint32_t *mem)
{
    const uint32_t *ids = mem + s->at[MOE_IDS], *w = mem + s->at[MOE_W];
    uint32_t *sid = mem + s->at[MOE_SID], *sw = mem + s->at[MOE_SW], *se = mem + s->at[MOE_SE];
    uint32_t next[MOE_MAX_EXPERTS + MOE_MAX_SHARED] = {0}, valid = 0;
    for (uint32_t i = 0; i < s->m * s->kt; i++)
        next[ids[i]]++;
    for (uint32_t e = 0; e < s->et; e++) {
        const uint32_t blocks = moe_cdiv(next[e], s->u);
        for (uint32_t b = 0; b < blocks; b++)
            se[valid / s->u + b] = e;
        next[e] = valid;
        valid += blocks * s->u;
    }
    for (uint32_t p = 0; p < valid; p++) {
        sid[p] = s->kt << 24 | s->m;
        sw[p] = 0;
    }
    for (uint32_t t = 0; t < s->m; t++)
        for (uint32_t k = 0; k < s->kt; k++) {
            const uint32_t p = next[ids[t * s->kt + k]]++;
            sid[p] = k << 24 | t;
            sw[p] = w[t * s->kt + k];
        }
    mem[s->at[MOE_NUM_VALID]] = valid;
    mem[s->at[MOE_NUM_VALID] + 1] = s->m;
}

static bool reference(const struct kern_params *p, uint32_t *mem, const struct deadline *deadline)
{
    const struct moe_sizes s = moe_sizes(p);
    for (uint32_t t = 0; t < s.m && !(t % 64 == 0 && deadline_over(deadline)); t++)
        gate(&s, mem + s.at[MOE_SIG] + t * s.e, mem + s.at[MOE_BIAS], mem + s.at[MOE_IDS] + t * s.kt,
             mem + s.at[MOE_W] + t * s.kt);
    if (deadline_over(deadline))
        return false;
    sort(&s, mem);
    return true;
}

static void compare(struct kern_instance *p)
{
    const struct moe_sizes s = moe_sizes(&p->params);
    const uint32_t valid = p->expected[s.at[MOE_NUM_VALID]];
    for (unsigned a = 0; a < MOE_WORK; a++)
        p->arrays[a].compared = s.words[a];
    p->arrays[MOE_SID].compared = p->arrays[MOE_SW].compared = valid;
    p->arrays[MOE_SE].compared = valid / s.u;
}

static void facts(const struct kern_instance *p, struct kern_facts *out)
{
    const uint32_t *m = p->expected;
    const struct kern_array *a = p->arrays;
    out->at[out->n++] = (struct kern_fact){"seed", KERN_NUMBER, p->seed, NULL, 0};
    for (unsigned i = 0; i < MOE_SHAPE; i++)
        out->at[out->n++] =
            (struct kern_fact){params[i].name, KERN_NUMBER, (uint64_t)p->params.at[i], NULL, 0};
    const struct kern_fact list[] = {
        {"mem_words", KERN_NUMBER, p->words, NULL, 0},
        {"mem_fnv1a64", KERN_FNV, fnv1a64_words(p->image, p->words), NULL, 0},
        {"header", KERN_WORDS, 0, p->image, MOE_HEADER_WORDS},
        {"ids_fnv1a64", KERN_FNV, fnv1a64_words(m + a[MOE_IDS].first, a[MOE_IDS].compared), NULL, 0},
        {"w_fnv1a64", KERN_FNV, fnv1a64_words(m + a[MOE_W].first, a[MOE_W].compared), NULL, 0},
        {"num_valid", KERN_WORDS, 0, m + a[MOE_NUM_VALID].first, 2},
        {"sid_fnv1a64", KERN_FNV, fnv1a64_words(m + a[MOE_SID].first, a[MOE_SID].compared), NULL, 0},
        {"sw_fnv1a64", KERN_FNV, fnv1a64_words(m + a[MOE_SW].first, a[MOE_SW].compared), NULL, 0},
        {"se_fnv1a64", KERN_FNV, fnv1a64_words(m + a[MOE_SE].first, a[MOE_SE].compared), NULL, 0},
        {"first_ids", KERN_WORDS, 0, m + a[MOE_IDS].first,
         (size_t)(p->params.at[MOE_K] + p->params.at[MOE_SH])},
        {"first_w", KERN_WORDS, 0, m + a[MOE_W].first, (size_t)(p->params.at[MOE_K] + p->params.at[MOE_SH])},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        out->at[out->n++] = list[i];
}

/* Every signal and bias is read; choices, valid words of blocks and the counts are written. */
static void io_words(const struct kern_instance *p, uint64_t *in, uint64_t *out)
{
    const struct kern_array *a = p->arrays;
    *in = a[MOE_SIG].compared + a[MOE_BIAS].compared;
    *out = 0;
    for (unsigned i = MOE_IDS; i <= MOE_NUM_VALID; i++)
        *out += a[i].compared;
}

const struct kern moe_sort = {
    .name = "moe_sort",
    .doc = "grouped top-k gate, and tokens sorted by expert into padded blocks",
    .params = params,
    .contracts = contracts,
    .variants = variants,
    .n_params = MOE_PARAMS,
    .n_contracts = sizeof contracts / sizeof *contracts,
    .n_variants = sizeof variants / sizeof *variants,
    .validate = validate,
    .layout = layout,
    .draw = draw,
    .reference = reference,
    .compare = compare,
    .facts = facts,
    .io_words = io_words,
};
