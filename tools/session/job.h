/* What a command works on, as its operand and options say: programs, the machine,
 * and the memory they start from. */
#ifndef SHEAF_TOOLS_SESSION_JOB_H
#define SHEAF_TOOLS_SESSION_JOB_H

#include "kernels/dump.h"
#include "kernels/tuned.h"
#include "tools/options.h"
#include "tools/report.h"

struct job {
    const char *operand;
    const struct kern *kernel;          /* NULL: none */
    const struct kern_variant *variant; /* NULL: the program is from a file, or none is asked for */
    struct kern_params params;
    unsigned contract;
    uint64_t seed;
    struct isa_machine machine;
    struct tuning record;  /* of --record */
    struct kern_dump dump; /* of --dump */
    struct kern_programs programs;
    struct kern_instance *instance; /* NULL: nothing to check against */
    struct kern_values values;
    uint32_t *image;     /* of --mem */
    const uint32_t *mem; /* at the start */
    size_t mem_words;
};

/* Each returns EXIT_FINE, or another status with one error printed; job_free may
 * follow either way, on a zeroed job too. */

/* Whether an operand is a program from a file, not a kernel's. */
bool job_is_file(const char *operand);

/* The kernel (and variant, where `with_variant`) that the operand names, with --set, --contract,
 * --seed and the machine's options. */
int job_kernel(struct job *j, const struct options *o, const char *name, bool with_variant);

/* --jobs. False with one error printed. */
bool job_workers(const struct options *o, uint64_t *workers);

/* What to ask of a variant, with --effort, --jobs, --record and --dump. Record and dump are
 * the job's. */
int job_request(struct job *j, const struct options *o, struct kern_request *rq);

/* The same, and its programs built. */
int job_build(struct job *j, const struct options *o);

/* The programs of PROGRAM, a file or a kernel's variant, and the machine. */
int job_programs(struct job *j, const struct options *o);

/* The same, and memory: an instance's, that of --mem, or none. */
int job_open(struct job *j, const struct options *o);

/* The instance of job_kernel. */
int job_instance(struct job *j);

/* The bounds of the programs, added up; cycles 0 unless all are known. */
struct bound job_bound(const struct job *j);

/* The line that names a program from a file. */
void job_operand_text(const char *operand, struct text *t);

/* What is worked on: the first lines of a report, the first keys of a JSON object. */
void job_text(const struct job *j, struct text *t);
void job_json(const struct job *j, struct json_out *out);

void job_free(struct job *j);

#endif
