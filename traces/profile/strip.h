/* Pictures of a run in characters: the strip of engines over time, and a window of slots. */
#ifndef SHEAF_TRACES_PROFILE_STRIP_H
#define SHEAF_TRACES_PROFILE_STRIP_H

#include "traces/profile/holes.h"

/* A line for each engine, `width` columns of cycles each: how full, and (with colour) what the
 * empty slots there are for the most part. Below it an axis of cycles. */
void strip_text(const struct history *h, const struct holes *holes, unsigned width, bool colour,
                struct text *t);

enum { STRIP_MAX_TIMELINE = 160 /* cycles */ };

/* Cycles [from, to) of the counter, at most STRIP_MAX_TIMELINE of them: a line for each slot, with when
 * its operands were there, when it was issued, and until when its value was read. */
void strip_timeline(const struct history *h, uint64_t from, uint64_t to, bool colour, struct text *t);

#endif
