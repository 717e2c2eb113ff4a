/* The page that draws a sweep: its lines before and after the data, each ended by NULL. Made from
 * sweep_page.html. */
#ifndef SHEAF_TOOLS_SWEEP_PAGE_H
#define SHEAF_TOOLS_SWEEP_PAGE_H

extern const char *const sweep_page_head[];
extern const char *const sweep_page_tail[];

#endif
