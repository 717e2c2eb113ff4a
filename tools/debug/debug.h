/* The debugger's session, which the command line and the protocol share: a program's
 * run that can be moved forward and backward, and where it is to stop. */
#ifndef SHEAF_TOOLS_DEBUG_DEBUG_H
#define SHEAF_TOOLS_DEBUG_DEBUG_H

#include "tools/session/execute.h"
#include "traces/replay/breakpoints.h"
#include "traces/replay/provenance.h"

struct session {
    struct job job;
    struct sim_config config;
    size_t program; /* of the job's, that is debugged */
    uint32_t *mem;  /* at its start */
    struct replay *r;
    struct breakpoints stops;
    uint32_t core; /* whose names and pc are meant */
};

/* The job of the options, at the start of its first program. EXIT_FINE, or another status with one
 * error printed; session_close follows either way. */
int session_open(struct session *s, const struct options *o);
void session_close(struct session *s);

/* To the start of another program: those before it are run. Stops are forgotten. */
enum status session_program(struct session *s, size_t program, struct diag *d);

static inline const struct prog *session_prog(const struct session *s)
{
    return s->r->sim->prog;
}

/* A word range, or the words of a value that the program's notes name; then *origin tells of its slot,
 * whose `slot` is UINT32_MAX for a word range. */
enum status session_words(struct session *s, const char *text, struct word_range *word_range,
                          struct provenance *origin, struct diag *d);

/* The bundle that a number or a label names. */
enum status session_bundle(const struct session *s, const char *text, uint32_t *bundle, struct diag *d);

/* --- text.c: as people read it; nothing ends its line ----------------------- */

/* "12" or "0xc"; several words as a vector: "[1 2 3]", "[0 x 8]". */
void debug_value(uint32_t value, bool hex, struct text *out);
void debug_words(const struct word_range *word_range, const struct sim *sim, bool hex, struct text *out);

/* "again+1", or nothing where no label is before the bundle. */
void debug_label(const struct prog *p, int64_t bundle, struct text *out);

/* The bundle's slots in a line, or how many of each engine where that would be long. */
void debug_slots(const struct prog *p, uint32_t bundle, struct text *out);

/* Cycle, bundle and its slots; or why there is none. */
void debug_where(const struct sim *sim, uint32_t core, struct text *out);

/* Each slot on a line, with the values it reads and those it is about to write. Lines end. */
void debug_bundle(struct replay *r, uint32_t core, bool hex, struct text *out);

/* The values that a slot reads now: "i=3  one=1". */
void debug_reads(const struct sim *sim, uint32_t core, const struct isa_slot *s, bool hex, struct text *out);

/* What the program's maker noted of the slot: " (hash, round 3, strand 1)", or nothing. */
void debug_note(const struct prog *p, uint32_t slot, struct text *out);

/* When and where the slot is executed, and the slot. */
void debug_provenance(const struct sim *sim, const struct provenance *o, struct text *out);

/* Why it stopped. */
void debug_hit(const struct prog *p, const struct breakpoint_hit *hit, struct text *out);

/* --- the two ways to talk --------------------------------------------------------- */

/* One command, whose output is appended. ST_OK, or ST_INPUT (or another) with a diag; *quit is set
 * by the last one. */
enum status debug_command(struct session *s, const char *line, struct text *out, bool *quit, struct diag *d);

/* The same of the commands that only look at something. */
enum status debug_look(struct session *s, const char *line, struct text *out, struct diag *d);

/* Speaks the Debug Adapter Protocol on standard input and output, until it ends. */
int dap_serve(void);

/* --- call -------------------------------------------------------------------------------- */

/* Between the files of the debugger's commands: each takes a call and appends to its output. */

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

/* look.c */
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
