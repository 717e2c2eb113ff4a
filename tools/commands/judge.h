/* The judge command's two ways to be asked: once, and line by line. */
#ifndef SHEAF_TOOLS_COMMANDS_JUDGE_H
#define SHEAF_TOOLS_COMMANDS_JUDGE_H

#include "kernels/judge/judge.h"
#include "sim/base/json_out.h"
#include "tools/commands/serve_request.h"

enum { JUDGE_SIZE_LIMIT = 32 << 20 /* bytes of a program, unless said otherwise */ };

/* The keys of a verdict into an open object. Without a kernel the rules are not known. */
void judge_json(const struct judge_rules *r, const struct judge_result *x, struct json_out *j);

/* Answers each line of standard input with one on standard output, in order, until the end of the
 * input. The exit status. */
int judge_serve(const struct serve_rules *rules);

#endif
