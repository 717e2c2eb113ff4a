/* What each pass leaves, as text for people. Allocation failures are sticky in `out`. */
#ifndef SHEAF_BUILDER_PASSES_DUMP_H
#define SHEAF_BUILDER_PASSES_DUMP_H

#include "builder/passes/allocate.h"
#include "builder/passes/schedule.h"
#include "sim/base/text.h"

enum dump_pass { DUMP_IR, DUMP_FOLD, DUMP_GRAPH, DUMP_SCHEDULE, DUMP_ALLOCATION, DUMP_PROGRAM, DUMP_PASSES };

/* The pass by its name ("ir", "fold", "graph", "schedule", "allocation", "program"),
 * DUMP_PASSES if there is none; and the other way round. */
enum dump_pass dump_find(const char *name);
const char *dump_name(enum dump_pass pass);

/* Builds the kernel as build_simple does and appends what the pass leaves. Statuses as
 * there; the ir is folded if the pass comes after folding. */
enum status dump_build(struct ir *ir, enum dump_pass pass, struct text *out, struct diag *d);

/* A val: "b7" or, for a block with a name, "b7_row"; a shared constant as "#4097"; with
 * the words that it covers unless it is the whole block, and how far they are apart:
 * "b7_row[2]", "b7_row[0..7]", "b7_row[2..23/3]", "b7_row[2]x8". */
void dump_val(const struct ir *ir, struct ir_val v, struct text *out);

/* A line an op, under a line for each region and for each change of stage, strand and
 * round. */
void dump_ir(const struct ir *ir, struct text *out);

/* A line an op (or fence): what must come before it, "12" a cycle or more before,
 * "12=" in the same cycle at the earliest; and the engines it may run on. */
void dump_graph(const struct sched_graph *p, struct text *out);

/* A line a cycle: for each engine the ops, with their lanes where they are not all. */
void dump_schedule(const struct sched_graph *p, const struct schedule *s, struct text *out);

/* A line a block: its words, and the region it belongs to. */
void dump_allocation(const struct ir *ir, const struct allocation *a, struct text *out);

#endif
