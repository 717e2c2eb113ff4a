/* The command line: one table of options, and what each command takes of it. The
 * same rows drive getopt_long and every --help. */
#ifndef SHEAF_TOOLS_OPTIONS_H
#define SHEAF_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/text.h"
#include "sim/base/vec.h"
#include "sim/isa/isa.h"

/* OPTION(ID, long name, letter or 0, argument or NULL, what it does) */
#define OPTIONS                                                                                              \
    OPTION(SET, "set", 0, "NAME=VALUE,...", "problem sizes (names and ranges: sheaf kernels)")               \
    OPTION(SEED, "seed", 0, "N", "of the generated instance, or of a search (default 123)")                  \
    OPTION(CONTRACT, "contract", 0, "NAME", "what counts at the end (default: the first that fits)")         \
    OPTION(KERNEL, "kernel", 0, "NAME", "the kernel that a program from a file is for")                      \
    OPTION(MEM, "mem", 0, "FILE", "start from this memory image instead of a generated instance")            \
    OPTION(SIMULATOR, "simulator", 0, "NAME",                                                                \
           "step, fast (default), or cross-check: both, compared; for conform batch, too")                   \
    OPTION(CYCLE_LIMIT, "cycle-limit", 0, "N", "end with a fault beyond N cycles (default 1000000000)")      \
    OPTION(STRICT, "strict", 0, NULL,                                                                        \
           "two writes to one word in a bundle are a fault (check: warnings fail)")                          \
    OPTION(PAUSE, "pause", 0, NULL, "pause slots pause; the run is resumed until all cores stop")            \
    OPTION(NO_DEBUG, "no-debug", 0, NULL, "do not check debug compares")                                     \
    OPTION(MACHINE, "machine", 0, "NAME=N,...", "change the machine: alu, ..., alu_latency, ..., vlen, ...") \
    OPTION(CORES, "cores", 0, "N", "the same as --machine cores=N")                                          \
    OPTION(SCRATCH, "scratch", 0, "N", "the same as --machine scratch=N")                                    \
    OPTION(EFFORT, "effort", 0, "N",                                                                         \
           "0 quick, 1 normal, 2 thorough: how hard to search where there is no tuning record")              \
    OPTION(JOBS, "jobs", 'j', "N", "workers (default: one for each processor)")                              \
    OPTION(EVALS, "evals", 0, "N", "schedules that a search tries (default 20000)")                          \
    OPTION(DUMP, "dump", 0, "PASS,...",                                                                      \
           "print what passes leave: ir, fold, graph, schedule, allocation, program")                        \
    OPTION(RECORD, "record", 0, "FILE", "build what this tuning record says")                                \
    OPTION(FROM, "from", 0, "FILE", "search on from this tuning record")                                     \
    OPTION(FRESH, "fresh", 0, NULL, "search from nothing, whatever records there are")                       \
    OPTION(LOG, "log", 0, "FILE", "append progress to FILE as CSV, twice a second")                          \
    OPTION(GRID, "grid", 0, "NAME=A:B,...", "machines to sweep: NAME=1:4, NAME=8,16 or NAME=0:64:16")        \
    OPTION(SET_GRID, "set-grid", 0, "NAME=A:B,...", "problem sizes to sweep, written alike")                 \
    OPTION(SAMPLE, "sample", 0, "N", "only N points of the grid, drawn by the seed")                         \
    OPTION(COST, "cost", 0, "NAME=N,...",                                                                    \
           "what hardware costs: alu=1,valu=1,load=2,store=1,flow=0.5,word=0.02")                            \
    OPTION(INPUTS, "inputs", 0, "N", "fresh inputs to judge by (default 100)")                               \
    OPTION(TIME_LIMIT, "time-limit", 0, "MS", "milliseconds for all inputs (default 10000)")                 \
    OPTION(SIZE_LIMIT, "size-limit", 0, "BYTES", "of a program (default 33554432)")                          \
    OPTION(SERVE, "serve", 0, NULL, "judge requests from standard input, a JSON object a line")              \
    OPTION(TAMPER, "tamper-report", 0, NULL, "what a grader should worry about, and what is done about it")  \
    OPTION(CYCLES, "cycles", 0, "A:B", "only cycles from A on and before B (default: all)")                  \
    OPTION(LADDER, "ladder", 0, NULL, "all variants of a kernel in one table")                               \
    OPTION(LAUNCH, "launch-cycles", 0, "N", "a declared charge for starting each program, shown apart")      \
    OPTION(BY, "by", 0, "WHAT", "where cycles went: by stage, round, strand, label or time")                 \
    OPTION(TIMELINE, "timeline", 0, "A:B", "show the slots of cycles A to B, one a line")                    \
    OPTION(ENGINES, "engines", 0, "NAME,...", "only slots of these engines")                                 \
    OPTION(AGAINST, "against", 0, "PROGRAM", "compare with this program in the same page (.html)")           \
    OPTION(FORMAT, "format", 0, "NAME", "of the output, whatever its ending")                                \
    OPTION(SCRIPT, "script", 0, "FILE", "take commands from there instead of standard input")                \
    OPTION(DAP, "dap", 0, NULL, "speak the Debug Adapter Protocol on standard input and output")             \
    OPTION(NO_ASSUME, "no-assume", 0, NULL, "use only what can be proved of accesses to memory")             \
    OPTION(WITHOUT, "without", 0, "STEP,...", "leave steps out: fold, number")                               \
    OPTION(KEEP_SCRATCH, "keep-scratch", 0, NULL, "what the program writes to scratch counts at the end")    \
    OPTION(OUTPUT, "output", 'o', "FILE", "write the result there (its ending says the format)")             \
    OPTION(JSON, "json", 0, NULL, "print one JSON object instead of the report")                             \
    OPTION(HELP, "help", 'h', NULL, "show this help")

enum opt {
#define OPTION(ID, name, letter, argument, doc) OPT_##ID,
    OPTIONS
#undef OPTION
        OPT_COUNT
};

#define OPT(ID) (UINT64_C(1) << OPT_##ID)

/* A command: one of these, in one file. */
struct options;
struct command {
    const char *name;
    const char *operands; /* as the usage line shows them */
    const char *doc;
    unsigned min_operands, max_operands;
    uint64_t options; /* OPT(...) | ...; OPT(HELP) is understood */
    int (*run)(const struct options *o);
};

/* One option as given; text is NULL when it takes no argument. */
struct option_given {
    enum opt id;
    const char *text;
};

struct options {
    const struct command *command;
    VEC(struct option_given) given; /* in order */
    const char *const *operands;
    unsigned n_operands;
};

/* Parses the arguments after the command's name; argv[0] is that name, and argv is
 * reordered. False with one error printed. */
bool options_parse(struct options *o, const struct command *c, int argc, char **argv);
void options_free(struct options *o);

bool opt_given(const struct options *o, enum opt id);

/* The text of the last one given, or NULL. */
const char *opt_text(const struct options *o, enum opt id);

/* The number of the last one given, `fallback` if none. False with one error
 * printed when it is no whole number within 0..high. */
bool opt_number(const struct options *o, enum opt id, uint64_t high, uint64_t fallback, uint64_t *out);

/* The range "A:B" of the last one given, either of which may be left out: 0, UINT64_MAX. False
 * with one error printed when it is none, or empty. */
bool opt_range(const struct options *o, enum opt id, uint64_t *from, uint64_t *to);

/* By engine whether --engines names it; all of them where it is not given. Debug is none
 * of them. False with one error printed. */
bool opt_engines(const struct options *o, bool engine[ENGINE_DEBUG]);

/* Applies --machine, then --cores and --scratch. False with one error printed. */
bool opt_machine(const struct options *o, struct isa_machine *m);

/* Appends the help of a command. */
void options_help(const struct command *c, struct text *out);

#endif
