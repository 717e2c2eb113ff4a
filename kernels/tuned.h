/* Variants that leave decisions to the builder's search: built by replaying a tuning
 * record, or, for sizes that have none, by a search of the effort asked for. */
#ifndef SHEAF_KERNELS_TUNED_H
#define SHEAF_KERNELS_TUNED_H

#include "builder/search.h"
#include "kernels/kernel.h"

/* "tree_hash:best values height=10, rounds=16, batch=256": what a record is for. */
void tuned_title(const struct kern *k, const struct kern_variant *v, const struct kern_request *rq,
                 struct text *out);

/* The record built into the library for exactly this request, if there is one: ST_OK
 * with cycles 0 if there is none. Records are for the reference machine. */
enum status tuned_record(const char *title, const struct kern_request *rq, struct tuning *out, struct diag *d);

/* Evaluations for an effort, for a kernel of so many nodes. */
uint64_t tuned_evaluations(unsigned effort, uint32_t nodes);

/* What is told of a search while it goes on; false stops it. */
struct tuned_watch {
    bool (*progress)(void *context, const struct search_progress *p);
    void *context;
};

/* Searches on from *best with the given options (accept and progress are set here). A
 * result counts when it fits the scratch and is verified. */
enum status tuned_search(const struct kern_variant *v, const struct kern_request *rq, struct search_options *o,
                         const struct tuned_watch *watch, struct tuning *best, struct diag *d);

/* The program a tuning describes. */
enum status tuned_program(const struct kern_variant *v, const struct kern_request *rq, const struct tuning *t,
                          struct prog **out, struct diag *d);

/* kern_build for a variant with `make`. */
enum status tuned_build(const struct kern *k, const struct kern_variant *v, const struct kern_request *rq,
                        struct kern_stages *out, struct diag *d);

#endif
