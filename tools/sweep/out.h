/* A sweep as files and as a table. */
#ifndef SHEAF_TOOLS_SWEEP_OUT_H
#define SHEAF_TOOLS_SWEEP_OUT_H

#include "tools/sweep/plan.h"

/* A line of column names, then those points that are done, in order. */
void sweep_csv(const struct sweep_plan *p, struct text *out);

/* Takes results for the plan's points from such a text. EXIT_USAGE with one error printed when
 * it is of another sweep, or damaged. */
int sweep_csv_read(struct sweep_plan *p, const char *file, char *text);

/* {"columns": [...], "points": [{...}, ...], "pareto": [...]}: points that are done, and of them
 * the numbers of those that no other one beats in cycles and cost. */
void sweep_json(const struct sweep_plan *p, struct text *out);

/* For each instance the points that none beats, by cost; columns are what varies. */
void sweep_table(const struct sweep_plan *p, struct text *out);

/* out.c: one page that draws the points, and needs nothing else. */
void sweep_html(const struct sweep_plan *p, struct text *out);

/* --- page -------------------------------------------------------------------------------- */

/* The page that draws a sweep: its lines before and after the data, each ended by NULL. Made from
 * sweep_page.html. */

extern const char *const sweep_page_head[];
extern const char *const sweep_page_tail[];

#endif
