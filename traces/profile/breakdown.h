/* Where the cycles went: by stage, round or strand as the builder noted, by label, or by
 * stretches of time. A cycle is shared by its slots, each of them by the share of its engine
 * that it takes; shares add up to 1000 exactly. */
#ifndef SHEAF_TRACES_PROFILE_BREAKDOWN_H
#define SHEAF_TRACES_PROFILE_BREAKDOWN_H

#include "traces/record/history.h"

enum where_by { WHERE_STAGE, WHERE_ROUND, WHERE_STRAND, WHERE_LABEL, WHERE_TIME, WHERE_KINDS };

struct where_row {
    char name[48];
    uint64_t slots[ENGINE_DEBUG];
    double cycles;
    unsigned permille;
    uint32_t first, last; /* cycles; without slots: 0, 0 */
};

struct where {
    enum where_by by;
    VEC(struct where_row) rows; /* those with slots or cycles, in their order; cycles without slots last */
};

/* "stage", ... */
const char *where_name(enum where_by by);
/* WHERE_KINDS if there is none of that name. */
enum where_by where_find_name(const char *name);

/* Whether the program knows what that asks for. */
bool where_known(const struct prog *p, enum where_by by);

/* ST_OK, ST_NOMEM. To be freed with where_free in any case. */
enum status where_find(const struct history *h, enum where_by by, struct where *out, struct diag *d);
void where_free(struct where *w);

#endif
