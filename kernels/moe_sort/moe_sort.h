/* moe_sort: a grouped top-k gate over experts, and tokens sorted by expert into padded
 * blocks. Shared by the kernel's files and the registry. */
#ifndef SHEAF_KERNELS_MOE_SORT_MOE_SORT_H
#define SHEAF_KERNELS_MOE_SORT_MOE_SORT_H

#include "kernels/kernel.h"

extern const struct kern moe_sort;

enum {
    MOE_M,
    MOE_E,
    MOE_NG,
    MOE_TG,
    MOE_K,
    MOE_SH,
    MOE_U,
    MOE_RS,
    MOE_WSH,
    MOE_SPREAD,
    MOE_SHAPE,
    MOE_TURN,
    MOE_PARAMS
};

enum { MOE_MAX_EXPERTS = 256, MOE_MAX_GROUPS = 8, MOE_MAX_CHOSEN = 16, MOE_MAX_SHARED = 8 };

/* The arrays in the order of memory, as in kern_instance.arrays. The header holds the
 * parameters but the spread and the shape, then where each array from sig on begins, and the words of
 * the last one. */
enum {
    MOE_HEADER,
    MOE_SIG,
    MOE_BIAS,
    MOE_IDS,
    MOE_W,
    MOE_SID,
    MOE_SW,
    MOE_SE,
    MOE_NUM_VALID,
    MOE_WORK,
    MOE_ARRAYS
};
enum { MOE_POINTERS = MOE_SPREAD, MOE_HEADER_WORDS = 24 };

/* The parameters, and what follows from them. */
struct moe_sizes {
    uint32_t m, e, ng, tg, k, sh, u, rs, wsh;
    uint32_t kt, et;                            /* of a token, of all: with the shared experts */
    uint32_t group;                             /* experts of a group */
    uint32_t maxp, maxb;                        /* words of sid and of se that may ever be needed */
    uint32_t at[MOE_ARRAYS], words[MOE_ARRAYS]; /* the arrays, without the padding behind them */
    uint32_t end;
};

struct moe_sizes moe_sizes(const struct kern_params *params);

static inline uint32_t moe_cdiv(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

/* Shapes of generated data by name, and what turns a uniform instance into one. */
extern const struct kern_choice moe_shapes[];
void moe_shape(struct kern_instance *p);

/* Variant builders. */
enum status moe_sort_staged(const struct kern_request *rq, struct kern_programs *out, struct diag *d);
enum status moe_sort_captured(const struct kern_request *rq, struct kern_programs *out, struct diag *d);
enum status moe_sort_fused(const void *request, struct choices *choices, struct ir **out, struct diag *d);

#endif
