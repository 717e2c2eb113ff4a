/* What every fallible library function returns. Details of a failure travel
 * beside it in a struct diag; the status alone decides control flow. */
#ifndef SHEAF_BASE_STATUS_H
#define SHEAF_BASE_STATUS_H

enum status {
    ST_OK = 0,
    ST_NOMEM, /* an allocation failed; nothing was changed */
    ST_IO,    /* the operating system refused a file operation */
    ST_INPUT, /* the user's input is wrong; the diag says where and how */
    ST_LIMIT, /* a declared limit was exceeded */
};

#endif
