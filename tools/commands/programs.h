/* The programs of a variant side by side, and the variants of a kernel one below the other. */
#ifndef SHEAF_TOOLS_COMMANDS_PROGRAMS_H
#define SHEAF_TOOLS_COMMANDS_PROGRAMS_H

#include "tools/session/record.h"

/* One program's figures. */
struct program_row {
    char name[40];
    uint64_t cycles, used[ENGINE_DEBUG], capacity[ENGINE_DEBUG];
    unsigned permille; /* of the variant's cycles; those of a variant add up to 1000 */
    uint64_t words;    /* that it takes from memory or leaves there */
    uint32_t io, work, dep;
    uint32_t engine_work[ENGINE_DEBUG]; /* slots / slots a cycle, rounded up */
    const char *class;
    char advice[240]; /* empty: none */
};

struct program_table {
    VEC(struct program_row) rows;
    uint64_t cycles, launch; /* of all programs; the declared charge for starting them, apart */
};

/* The rows of a record, whose programs were all run to their end. EXIT_FINE, or EXIT_USAGE with one error
 * printed; to be freed in any case. `launch`: cycles for each program. */
int programs_find(const struct job *j, const struct record *r, uint64_t launch, struct program_table *out);
void programs_free(struct program_table *t);

/* Cycles that no fusing of these programs goes below, and those that none of them apart goes below: the
 * most over engines of summed work, the sum over programs of the most. */
uint64_t programs_fused_bound(const struct program_table *t);
uint64_t programs_apart_bound(const struct program_table *t);

/* Table heads and rows; `name` begins the line of the whole, `before` is the cycles of the variant above,
 * 0: none. */
void programs_head(struct text *t);
void programs_text(const struct program_table *s, const char *name, uint64_t before, struct text *t);
void programs_json(const struct program_table *s, const char *name, struct json_out *j);

/* The command `profile --ladder KERNEL`. */
int programs_ladder(const struct options *o);

#endif
