/* The judge command's two ways to be asked: once, and line by line. */
#ifndef SHEAF_TOOLS_JUDGE_H
#define SHEAF_TOOLS_JUDGE_H

#include "kernels/judge.h"
#include "sim/base/json_out.h"

enum { JUDGE_SIZE_LIMIT = 32 << 20 /* bytes of a program, unless said otherwise */ };

/* The keys of a verdict into an open object. */
void judge_json(const struct judge_rules *r, const struct judge_result *x, struct json_out *j);

/* Answers each line of standard input with one on standard output, in order, until the end of the
 * input. `rules`: what holds where a request does not say. The exit status. */
int judge_serve(const struct judge_rules *rules, size_t size_limit);

#endif
