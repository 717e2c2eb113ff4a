/* The debugger behind the Debug Adapter Protocol, as the files of it see it.
 *
 *     dap.c         messages in and out, the run
 *     dap_launch.c  the program, and its text by lines
 *     dap_breakpoints.c   breakpoints of every kind
 *     dap_look.c    threads, stack, scopes, variables, evaluate
 *     dap_code.c    disassembly
 */
#ifndef SHEAF_TOOLS_DEBUG_DAP_H
#define SHEAF_TOOLS_DEBUG_DAP_H

#include "tools/debug/dap_io.h"
#include "tools/debug/debug.h"

enum dap_breakpoints { DAP_SOURCE, DAP_FUNCTION, DAP_INSTRUCTION, DAP_DATA, DAP_BREAKPOINTS };

/* The lines of the text, from 1, on which a bundle begins and ends. */
struct dap_lines {
    uint32_t first, last;
};

enum dap_run { RUN_NOT, RUN_FORTH, RUN_BACK };

struct dap {
    struct dap_io io;
    json_int_t sequence; /* of the last message sent */
    struct session s;
    bool launched, terminated, disconnected;
    bool lines_from_0, columns_from_0;
    bool stop_on_entry, stop_at_end;

    enum dap_run run;
    bool from_start;    /* the first bundle may have a breakpoint */
    uint64_t limit;     /* the position where a run forth ends */
    const char *reason; /* of the stop there */
    uint32_t thread;    /* whose step it is */

    char *operand;                      /* of the launch */
    char *path;                         /* of the assembly file, NULL: the text is made from the program */
    struct text listing;                /* that text */
    VEC(struct dap_lines) lines;        /* of each bundle */
    VEC(unsigned) ids[DAP_BREAKPOINTS]; /* of the stops set by the last request of each kind */
    VEC(struct word_range) places;      /* that evaluations have shown */

    char error[DIAG_TEXT]; /* why the request at work failed */
};

/* A request: returns the response's body (or a JSON null for none), or NULL with d->error. */
typedef json_t *dap_request(struct dap *d, const json_t *args);

json_t *dap_fail(struct dap *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A JSON string of any bytes. */
json_t *dap_string(const char *text);
/* The same of a text, which is freed. */
json_t *dap_text(struct text *t);

/* Optional members of the arguments. */
json_int_t dap_int(const json_t *args, const char *key, json_int_t fallback);
bool dap_bool(const json_t *args, const char *key, bool fallback);
const char *dap_chars(const json_t *args, const char *key); /* NULL: none */
bool dap_hex(const json_t *args);                           /* format.hex */

static inline const struct sim *dap_sim(const struct dap *d)
{
    return d->s.r->sim;
}

/* Threads and frames are cores, from 1. False with d->error. */
bool dap_core(struct dap *d, const json_t *args, const char *key, uint32_t *core);

void dap_event(struct dap *d, const char *event, json_t *body);

/* dap_launch.c */
dap_request dap_launch, dap_source;
json_t *dap_source_of(const struct dap *d); /* a Source */
void dap_launch_end(struct dap *d);

/* dap_breakpoints.c */
dap_request dap_set_breakpoints, dap_set_functions, dap_set_instructions, dap_data_info, dap_set_data;
/* "breakpoint", "data breakpoint", ...: of the kind that set the stop. */
const char *dap_stop_reason(const struct dap *d, unsigned id);

/* dap_look.c */
dap_request dap_threads, dap_stack, dap_scopes, dap_variables, dap_set_variable, dap_evaluate;
/* The words of a variable of the container `reference`; false if there is none of that name. */
bool dap_variable_words(const struct dap *d, json_int_t reference, const char *name, struct word_range *out);

/* dap_code.c */
dap_request dap_disassemble;
/* The bundle at an address (a decimal or 0x number), which may lie outside; false if it is none. */
bool dap_address(const char *text, int64_t *bundle);
/* A frame's or instruction's position in the text: sets line, column and source where known. */
void dap_add_line(const struct dap *d, int64_t bundle, json_t *object);

#endif
