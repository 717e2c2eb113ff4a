/* tree_hash: batched traversal of a perfect binary tree. Shared by
 * the kernel's files and the registry. */
#ifndef SHEAF_KERNELS_TREE_HASH_TREE_HASH_H
#define SHEAF_KERNELS_TREE_HASH_TREE_HASH_H

#include "kernels/kernel.h"

extern const struct kern tree_hash;

enum { TREE_HEIGHT, TREE_ROUNDS, TREE_BATCH, TREE_START, TREE_BITS, TREE_SHAPE, TREE_PARAMS };

/* In the contracts' order. */
enum { TREE_VALUES, TREE_INDICES, TREE_FULL, TREE_CONTRACTS };

/* The words of the image's header; the tree follows it. */
enum {
    TREE_H_ROUNDS,
    TREE_H_NODES,
    TREE_H_BATCH,
    TREE_H_HEIGHT,
    TREE_H_TREE,
    TREE_H_INDICES,
    TREE_H_VALUES,
    TREE_HEADER
};

/* One stage of the hash: a = (a op1 constant) op2 (a op3 shift), the operators as
 * alu operations. */
struct tree_hash_stage {
    enum isa_op op1, op2, op3;
    uint32_t constant, shift;
};

enum { TREE_STAGES = 6 };
extern const struct tree_hash_stage tree_hash_stages[TREE_STAGES];

/* The stage's value for `a`. */
uint32_t tree_hash_stage_value(const struct tree_hash_stage *s, uint32_t a);

/* values.c: see struct kern. */
bool tree_hash_values(const struct kern_instance *p, struct kern_values *out);

/* The hash. */
uint32_t tree_hash_of(uint32_t a);

/* Shapes of generated data by name, and what turns a uniform instance into one. */
extern const struct kern_choice tree_shapes[];
void tree_shape(struct kern_instance *p);

/* Variant builders, a file each. */
enum status tree_hash_scalar(const struct kern_request *rq, struct kern_programs *out, struct diag *d);
enum status tree_hash_packed(const struct kern_request *rq, struct kern_programs *out, struct diag *d);
enum status tree_hash_resident(const struct kern_request *rq, struct kern_programs *out, struct diag *d);
enum status tree_hash_grouped(const struct kern_request *rq, struct kern_programs *out, struct diag *d);
enum status tree_hash_interleaved(const struct kern_request *rq, struct kern_programs *out, struct diag *d);

enum status tree_hash_best(const void *request, struct choices *choices, struct ir **out, struct diag *d);

#endif
