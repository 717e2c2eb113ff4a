/* Where the cycles went: by stage, round or strand as the builder noted, by label, or by
 * stretches of time. A cycle is shared by its slots, each of them by the share of its engine
 * that it takes; shares add up to 1000 exactly. */
#ifndef SHEAF_TRACES_PROFILE_BREAKDOWN_H
#define SHEAF_TRACES_PROFILE_BREAKDOWN_H

#include "traces/record/history.h"

enum breakdown_by {
    BREAKDOWN_STAGE,
    BREAKDOWN_ROUND,
    BREAKDOWN_STRAND,
    BREAKDOWN_LABEL,
    BREAKDOWN_TIME,
    BREAKDOWN_KINDS
};

struct breakdown_row {
    char name[48];
    uint64_t slots[ENGINE_DEBUG];
    double cycles;
    unsigned permille;
    uint32_t first, last; /* cycles; without slots: 0, 0 */
};

struct breakdown {
    enum breakdown_by by;
    VEC(struct breakdown_row)
    rows; /* those with slots or cycles, in their order; cycles without slots last */
};

/* "stage", ... */
const char *breakdown_name(enum breakdown_by by);
/* BREAKDOWN_KINDS if there is none of that name. */
enum breakdown_by breakdown_find_name(const char *name);

/* Whether the program knows what that asks for. */
bool breakdown_known(const struct prog *p, enum breakdown_by by);

/* ST_OK, ST_NOMEM. To be freed with breakdown_free in any case. */
enum status breakdown_find(const struct history *h, enum breakdown_by by, struct breakdown *out,
                           struct diag *d);
void breakdown_free(struct breakdown *w);

#endif
