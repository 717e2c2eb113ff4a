/* The report as a page: profiled runs, one or two to compare, in a single file that needs
 * no network.
 *
 *     profile ──┬─ history, holes, live ──> html_pack ──┐
 *               └─ tables ──> profile_json ─────────────┴──> data ──┐
 *     traces/html/viewer/ (built into the library) ──────────────────────┴──> page
 */
#ifndef SHEAF_TRACES_HTML_HTML_H
#define SHEAF_TRACES_HTML_HTML_H

#include "traces/profile/profile.h"

/* A program that was run. */
struct html_part {
    const char *name;
    const struct profile *profile;
};

/* Programs that ran one after the other, at least one, on machines alike. */
struct html_side {
    const char *title;
    const struct html_part *parts;
    size_t n_parts;
};

/* Of a side: what a browser still handles well. */
enum { HTML_MAX_SLOTS = 1000000, HTML_MAX_CYCLES = 1 << 20 };

/* ST_OK where a side of so many slots and cycles is within the limits, else ST_LIMIT. */
enum status html_fits(uint64_t slots, uint64_t cycles, struct diag *d);

/* Appends the page; `against` may be NULL. The two machines need not be alike. ST_OK, ST_LIMIT, ST_NOMEM. */
enum status html_write(const struct html_side *side, const struct html_side *against, struct text *out,
                       struct diag *d);

#endif
