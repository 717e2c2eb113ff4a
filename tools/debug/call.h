/* Between the files of the debugger's commands: each takes a call and appends to its output. */
#ifndef SHEAF_TOOLS_DEBUG_CALL_H
#define SHEAF_TOOLS_DEBUG_CALL_H

#include "tools/debug/debug.h"

/* A command at work. */
struct call {
    struct session *s;
    char *args; /* without blanks around */
    bool hex;
    bool *quit;
    struct text *out;
    struct diag *d;
};

static inline const struct sim *sim_of(const struct call *c)
{
    return c->s->r->sim;
}

/* debug_look.c */
enum status do_print(struct call *c);
enum status do_set(struct call *c);
enum status do_bundle(struct call *c);
enum status do_writer(struct call *c);
enum status do_readers(struct call *c);
enum status do_mem(struct call *c);
enum status do_names(struct call *c);
enum status do_engines(struct call *c);
enum status do_info(struct call *c);

#endif
