/* Variants that leave decisions to the builder's search: built by replaying a tuning
 * record, or, for sizes that have none, by a search of the effort asked for. */
#ifndef SHEAF_KERNELS_TUNED_H
#define SHEAF_KERNELS_TUNED_H

#include "builder/search/search.h"
#include "kernels/kernel.h"

/* "tree_hash:best values height=10, rounds=16, batch=256", and the machine unless it is
 * the reference machine: what a record is for. */
void tuned_title(const struct kern *k, const struct kern_variant *v, const struct kern_request *rq,
                 struct text *out);

/* The record built into the library for exactly this, if there is one: ST_OK with
 * cycles 0 if there is none. */
enum status tuned_record(const char *title, struct tuning *out, struct diag *d);

/* Evaluations for an effort, for a kernel of so many nodes. */
uint64_t tuned_evaluations(unsigned effort, uint32_t nodes);

/* As in search_options. Between epochs, so when `progress` is called, *best holds the best
 * result so far. */
struct tuned_watch {
    bool (*progress)(void *context, const struct search_progress *p);
    bool (*stopped)(void *context);
    void *context;
};

/* ST_INPUT when the variant leaves no decisions open, or needs loops for this request. */
enum status tuned_searchable(const struct kern_variant *v, const struct kern_request *rq, struct diag *d);

/* Searches on from *best with the given options (the functions are set here); the request
 * has to be searchable. A result counts when it fits the scratch and is verified. */
enum status tuned_search(const struct kern_variant *v, const struct kern_request *rq,
                         struct search_options *o, const struct tuned_watch *watch, struct tuning *best,
                         struct diag *d);

/* What a tuning, which may come from anywhere, is worth: sets its cycles and cost, and the
 * bound of its code. ST_LIMIT or ST_INPUT when no program comes of it. */
enum status tuned_check(const struct kern_variant *v, const struct kern_request *rq, struct tuning *t,
                        struct bound *bound, struct diag *d);

/* Records as files. Saving replaces the file in one step; loading refuses a record of
 * another title: ST_INPUT, with line and column as for anything that is wrong in it. */
enum status tuned_load(const char *path, const char *title, struct tuning *out, struct diag *d);
enum status tuned_save(const char *path, const char *title, const struct tuning *t, struct diag *d);

/* Appends the program a tuning describes. */
enum status tuned_program(const struct kern_variant *v, const struct kern_request *rq, const struct tuning *t,
                          struct kern_programs *out, struct diag *d);

/* kern_build for a variant with `make`. */
enum status tuned_build(const struct kern *k, const struct kern_variant *v, const struct kern_request *rq,
                        struct kern_programs *out, struct diag *d);

#endif
