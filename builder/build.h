/* The pipeline: a kernel's ir to a verified program.
 *
 *   ir ──> fold ──> for each region: depend ──> keys ──> schedule ──┐
 *                                                                   v
 *                      program <── verify <── emit <── allocate <───┘
 *
 * build_emit is the right half, for a search that makes schedules itself;
 * build_run is all of it, with simple keys.
 */
#ifndef SHEAF_BUILDER_BUILD_H
#define SHEAF_BUILDER_BUILD_H

#include "builder/passes/emit.h"
#include "builder/passes/schedule.h"

/* Whether the machine can run every op, and every jump goes somewhere: ST_OK, or the
 * ir's own failure, or ST_INPUT. To be asked before anything is scheduled: an op that
 * no engine runs would never be. */
enum status build_check(const struct ir *ir, struct diag *d);

/* Words, bundles, proof. schedules[region]. ST_LIMIT when scratch does not suffice for
 * these schedules; ST_INPUT when the program was found wrong (then a pass has a fault,
 * and there is no program); ST_NOMEM. *out is empty unless ST_OK. */
enum status build_emit(const struct ir *ir, const struct schedule *schedules, struct emitted *out,
                       struct diag *d);

/* Keys for list scheduling, in cycles: an op's turn, and `urgency` times how late it may
 * start on the critical path. Turns come in the order of the ir, as fast as the machine
 * can work; where there are strands, these take turns, as far apart as the work of all
 * lets them finish together, and what belongs to none comes just before it is needed.
 * keys has room for every node. False when out of memory. */
bool build_keys(const struct sched_graph *p, float urgency, float *keys);

/* The whole pipeline and what its passes left, by region. */
struct build {
    const struct ir *ir; /* borrowed */
    struct sched_graph *graphs;
    struct schedule *schedules;
    struct allocation allocation;
    struct emitted emitted;
};

/* Builds the kernel; the ir is folded. Each region is scheduled by keys of several
 * urgencies and has the best of them; when scratch does not suffice, schedules that
 * keep fewer words alive are tried. Statuses as above; *b is to be freed in any case. */
enum status build_run(struct ir *ir, struct build *b, struct diag *d);
void build_free(struct build *b);

/* The same for the program alone, to be freed with emit_free. */
enum status build_simple(struct ir *ir, struct emitted *out, struct diag *d);

/* Bundles that cost a cycle: the length of a program without loops. */
uint32_t build_cycles(const struct emitted *e);

#endif
