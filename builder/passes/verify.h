/* Proof that an emitted program does what its ir says.
 *
 * requires    an ir, bundles, and for each slot the op and lanes it claims to execute
 * guarantees  when it finds nothing: every lane of every op is executed once, in its
 *             region, by a slot of the right operation and literal; every word a slot
 *             reads was written by the op that the sequential order says, or nobody
 *             has written it in the ir either; memory accesses come in an order that
 *             ranges cannot tell from the sequential one; slot limits hold; at the end
 *             of each region the blocks that live on have their values in their words,
 *             and control goes where the ir says
 * algorithm   the region is walked twice, in the order of the ir and in that of the
 *             bundles. Each word carries the op and lane that wrote it, each piece of
 *             memory the number of stores that may have touched it. Writes commit when the
 *             machine's latencies say; none may outlast its region. It shares no code
 *             with the dependence graph, the scheduler or the allocator
 * assumes     the memory ranges that the kernel promises, and that blocks of one
 *             region are undefined each time it is entered
 */
#ifndef SHEAF_BUILDER_PASSES_VERIFY_H
#define SHEAF_BUILDER_PASSES_VERIFY_H

#include "builder/passes/emit.h"
#include "sim/base/text.h"

enum { VERIFY_LISTED = 12 };

/* ST_OK when nothing is wrong. ST_INPUT otherwise: *d holds the first finding, *all
 * (may be NULL) the first VERIFY_LISTED of them, a line each. ST_NOMEM. */
enum status verify_program(const struct ir *ir, const struct emitted *e, struct text *all, struct diag *d);

#endif
