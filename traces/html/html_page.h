/* The page around the data, as the Makefile makes it of traces/html/viewer/ (tools/assets/viewer.sh). */
#ifndef SHEAF_TRACES_HTML_HTML_PAGE_H
#define SHEAF_TRACES_HTML_HTML_PAGE_H

/* Lines before and after the data, without their ends; each list is ended by NULL. */
extern const char *const html_page_head[], *const html_page_tail[];

#endif
