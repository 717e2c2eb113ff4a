/* Why a program is not faster: everything that is known of one recorded run.
 *
 *     history ──> holes, limits, gap, live, loads, where, advice ──> profile ──> text, JSON
 */
#ifndef SHEAF_TRACES_PROFILE_PROFILE_H
#define SHEAF_TRACES_PROFILE_PROFILE_H

#include "sim/base/json_out.h"
#include "traces/profile/advice.h"
#include "traces/profile/breakdown.h"
#include "traces/profile/gap.h"
#include "traces/profile/holes.h"
#include "traces/profile/limits.h"
#include "traces/profile/live.h"
#include "traces/profile/loads.h"

/* What else is known of the program. */
struct profile_request {
    enum breakdown_by by;      /* BREAKDOWN_KINDS: the first that the program knows */
    uint32_t builder_bound;    /* cycles; the builder's, free to choose engines; 0: not known */
    const char *builder_binds; /* what makes it: "work", "dep", "live" */
    uint64_t in, out;          /* words that must be loaded and stored, whatever the program; 0: not known */
};

enum { PROFILE_WINDOWS = 20, PROFILE_IO_RATE = 16 /* words a cycle, each way */ };

/* An engine over all cores and cycles. */
struct profile_engine {
    uint64_t capacity, used; /* capacity: slots available */
};

struct profile {
    const struct history *h; /* borrowed */
    struct profile_request request;
    uint64_t slots;
    struct profile_engine engine[ENGINE_DEBUG];
    uint32_t io; /* bound of the compulsory words, in cycles; 0: not known */
    struct holes holes;
    struct limits limits;
    struct gap gap;
    bool has_gap;
    struct live live;
    struct loads loads;
    struct breakdown where;
    struct advice advice;
    VEC(uint64_t) fullness; /* cycles by number of slots issued in them: from 0 to as many as there can be */
};

/* `h` must outlive the profile. ST_OK, ST_NOMEM; to be freed in any case. */
enum status profile_make(const struct history *h, const struct profile_request *rq, struct profile *out,
                         struct diag *d);
void profile_free(struct profile *p);

/* The largest bound that is known: the builder's, or that of the slots. What makes it in *what. */
uint32_t profile_bound(const struct profile *p, const char **what);

/* Appends the line of a bound that `what` ("work", "dep" or "live") makes, and of the cycles beside it. */
void profile_bound_text(uint32_t bound, const char *what, uint64_t cycles, struct text *t);

/* Appends the report. `width`: columns for the pictures. `colour`: with terminal colours. */
void profile_text(const struct profile *p, unsigned width, bool colour, struct text *t);

/* The keys of the report, into an object that is open. */
void profile_json(const struct profile *p, struct json_out *j);

/* "mul x, y, z" with the note of its maker: "[hash, round 3, strand 5]". */
void profile_slot_text(const struct history *h, uint32_t slot, struct text *t);

#endif
