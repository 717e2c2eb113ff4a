/* What can be said about a program without running it. */
#ifndef SHEAF_PROGRAM_CHECK_H
#define SHEAF_PROGRAM_CHECK_H

#include "sim/program/program.h"

/* An error is a fault as soon as the bundle is reached, or a jump beyond the end; a
 * warning is legal and almost always a mistake. */
enum prog_severity { PROG_WARNING, PROG_ERROR };

struct prog_finding {
    enum prog_severity severity;
    uint32_t bundle;
    enum isa_engine engine; /* ISA_ENGINES when no slot is to blame */
    uint32_t slot;          /* within its engine's list, from 0 */
    const char *kind;       /* as runs name their faults; also `unreachable`, `never_written` */
    const char *text;       /* what was found, what was expected, with names */
    const char *slot_text;  /* as prog_slot_text, or NULL */
};

/* Zero-initialise to start. In the order of the program. */
struct prog_findings {
    VEC(struct prog_finding) list;
    size_t errors, warnings; /* all of them, those beyond the limit included */
    struct arena arena;      /* of the texts */
};

/* Checks `p` for the machine `m` and keeps the first `limit` findings:
 *   slot_limit      more slots of an engine than it has
 *   unknown_op      no such operation
 *   out_of_range    a scratch operand or jump target that cannot exist
 *   debug_mismatch  a vcompare without a key for each lane
 *   write_conflict  (warning) two slots of a bundle write one scratch word
 *   unreachable     (warning) bundles that nothing leads to; not where jumps are computed
 *   never_written   (warning) a read of a scratch word that nothing writes: always 0
 * ST_OK or ST_NOMEM; *out is the caller's to free either way. */
enum status prog_check(const struct prog *p, const struct isa_machine *m, size_t limit,
                       struct prog_findings *out);
void prog_findings_free(struct prog_findings *f);

/* One finding in one line, without its end. */
void prog_finding_text(const struct prog *p, const struct prog_finding *f, struct text *out);

#endif
