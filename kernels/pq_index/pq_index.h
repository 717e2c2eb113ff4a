/* pq_index: which keys a query head attends to, by product-quantised scores, top-k,
 * sink and window. Shared by the kernel's files and the registry. */
#ifndef SHEAF_KERNELS_PQ_INDEX_PQ_INDEX_H
#define SHEAF_KERNELS_PQ_INDEX_PQ_INDEX_H

#include "kernels/kernel.h"

extern const struct kern pq_index;

/* In the order of the image's header, which begins with them but the shape. */
enum { PQ_H, PQ_G, PQ_S, PQ_D, PQ_C, PQ_N, PQ_K, PQ_SINK, PQ_WIN, PQ_SHAPE, PQ_TURN, PQ_PARAMS };

/* The image's header: the parameters, the arrays' addresses, the words of work. */
enum { PQ_H_ADDRESS = PQ_SHAPE, PQ_H_WORK_WORDS = 15, PQ_HEADER };

/* The arrays of an instance, in their order in memory. */
enum { PQ_HEAD, PQ_Q, PQ_CENT, PQ_CODES, PQ_LIST, PQ_WEIGHT, PQ_WORK, PQ_ARRAYS };

/* The sizes of an instance, and where its arrays are. */
struct pq_sizes {
    uint32_t heads, share, subs, dims, centroids, keys, kept, sink, window; /* H G S D C n K SINK WIN */
    uint32_t candidates;                                                    /* keys that are scored */
    uint32_t listed, positions;                  /* words of a head's list, weights */
    uint32_t first[PQ_ARRAYS], words[PQ_ARRAYS]; /* padding included */
};

struct pq_sizes pq_sizes_of(const struct kern_params *p);

/* Shapes of generated data by name, and what turns a uniform instance into one. */
extern const struct kern_choice pq_shapes[];
void pq_shape(struct kern_instance *p);

/* Variant builders. */
enum status pq_index_staged(const struct kern_request *rq, struct kern_programs *out, struct diag *d);
enum status pq_index_captured(const struct kern_request *rq, struct kern_programs *out, struct diag *d);
enum status pq_index_fused(const struct kern_request *rq, struct kern_programs *out, struct diag *d);

#endif
