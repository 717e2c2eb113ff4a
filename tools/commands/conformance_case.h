/* Conformance vectors: recorded runs of the reference machine, one a line. */
#ifndef SHEAF_TOOLS_COMMANDS_CONFORMANCE_CASE_H
#define SHEAF_TOOLS_COMMANDS_CONFORMANCE_CASE_H

#include "sim/base/arena.h"
#include "sim/machine.h"

struct vector_word {
    uint32_t address, value;
};

/* A core at the end. */
struct vector_core {
    int64_t pc;
    VEC(struct vector_word) scratch; /* the words that are not 0 */
    VEC(uint32_t) trace;
};

struct vector {
    struct text name;
    struct isa_machine machine;
    bool pause, debug;
    VEC(uint32_t) mem;
    const char *program; /* JSON, within the line */
    size_t program_size;
    VEC(struct sim_value) values;
    struct arena arena; /* of the values' keys */
    /* What is expected. Of a faulting run only fault and cycles are. */
    enum sim_fault_kind fault;
    uint64_t cycles, runs;
    VEC(uint32_t) end_mem;
    VEC(struct vector_core) cores;
};

/* Reads a line, the `number`th of the file. ST_OK, or ST_INPUT, ST_NOMEM with a diag; vector_free follows
 * either way. The line must outlive the vector. */
enum status vector_read(const char *line, size_t size, const char *file, unsigned number, struct vector *out,
                        struct diag *d);
void vector_free(struct vector *v);

/* Runs it on a machine of that engine, or, if `instances` is not 0, as a batch of so many
 * of it, and appends what differs (in the first of them that does) from what is expected;
 * nothing when all is as recorded. False when out of memory. */
bool vector_run(const struct vector *v, enum sim_simulator simulator, uint32_t instances,
                struct text *difference);

#endif
