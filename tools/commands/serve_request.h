/* A request of judge --serve: one line of JSON, read and held against the kernels. README.md has the
 * protocol, schema/ its JSON Schema. */
#ifndef SHEAF_TOOLS_COMMANDS_SERVE_REQUEST_H
#define SHEAF_TOOLS_COMMANDS_SERVE_REQUEST_H

#include "kernels/judge/judge.h"
#include "sim/base/text.h"

/* What holds where a request does not say. */
struct serve_rules {
    struct judge_rules judge;
    bool contract_given; /* else the first contract that admits a request's sizes */
    size_t size_limit;   /* bytes of a program's text */
};

/* Zero-initialise to start, request_free to end. */
struct request {
    struct text id; /* as JSON; empty where none could be read */
    struct judge_rules rules;
    bool is_asm;
    const char *program; /* its text: in the line, or in `assembly`; NULL where there is none */
    size_t size;
    struct text assembly;
};

/* What is wrong with a line, and whose mistake it is. */
enum request_end {
    REQUEST_FINE,
    REQUEST_ERROR,   /* the harness's */
    REQUEST_PROGRAM, /* it ends in the middle of what was to be a program, which is none */
};

/* Reads a request. The order of its keys does not matter. The id is found wherever that is possible. Of
 * anything but REQUEST_FINE the kernel is NULL, and `d` says why. */
enum request_end request_read(struct request *q, const struct serve_rules *rules, const char *line,
                              size_t size, struct diag *d);

/* Looks for the id alone, in what may be the start of a line. */
void request_find_id(struct request *q, const char *line, size_t size);

void request_free(struct request *q);

#endif
