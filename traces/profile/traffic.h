/* The words of memory that a run needs from it and leaves in it: what any program with these inputs and
 * outputs must move, however it computes. */
#ifndef SHEAF_TRACES_PROFILE_TRAFFIC_H
#define SHEAF_TRACES_PROFILE_TRAFFIC_H

#include "traces/record/history.h"

/* Distinct words: `in` are loaded before they are stored, `out` are stored. */
struct traffic {
    uint64_t in, out;
};

/* Vectors move so many words a cycle at most, each way. */
enum { TRAFFIC_RATE = 16 };

/* ST_OK, ST_NOMEM. */
enum status traffic_find(const struct history *h, struct traffic *out, struct diag *d);

#endif
