/* What the builder's passes leave of a kernel's code, for a request that asks for it. */
#ifndef SHEAF_KERNELS_DUMP_H
#define SHEAF_KERNELS_DUMP_H

#include "builder/passes/dump.h"
#include "builder/search/candidate.h"

struct kern_dump {
    bool pass[DUMP_PASSES]; /* which ones */
    struct text text;       /* is appended to; nothing by a variant without passes */
};

/* Of code that is about to be built by build_simple (dump may be NULL: nothing). The ir
 * may be folded. Statuses as build_simple's. */
enum status kern_dump_ir(struct kern_dump *dump, struct ir *ir, struct diag *d);

/* Of a schedule that was searched for; dump may be NULL. */
enum status kern_dump_candidate(struct kern_dump *dump, const struct candidate *s, struct diag *d);

#endif
