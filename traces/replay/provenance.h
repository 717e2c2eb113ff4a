/* Where a value came from, and where it goes. The machine is back where it was afterwards. */
#ifndef SHEAF_TRACES_REPLAY_PROVENANCE_H
#define SHEAF_TRACES_REPLAY_PROVENANCE_H

#include "traces/replay/expr.h"
#include "traces/replay/replay.h"

/* A slot as it was, or will be, executed. */
struct provenance {
    uint64_t at, cycle; /* the position and cycle before its bundle */
    uint32_t core, bundle;
    uint32_t slot;  /* an index into prog->slots */
    uint32_t first; /* the first word of the range that it wrote or read */
};

/* For each word of the range (in out[0 ... n-1]) the slot that wrote it last before now; `slot` is
 * UINT32_MAX where none did. False if interrupted. */
bool provenance_writers(struct replay *r, const struct word_range *word_range, struct provenance *out);

/* Where a search for readers ended. */
enum provenance_end {
    PROVENANCE_WRITTEN, /* every word is written again */
    PROVENANCE_ENDED,   /* the run ends */
    PROVENANCE_MORE,    /* `out` is full */
    PROVENANCE_FAR,     /* PROVENANCE_AHEAD rounds on, or interrupted */
};

enum { PROVENANCE_AHEAD = 1 << 22 };

/* The slots that read words of the range from now on, as they come. Returns how many of them, at
 * most `most`, are in `out`. */
size_t provenance_readers(struct replay *r, const struct word_range *word_range, struct provenance *out,
                          size_t most, enum provenance_end *end);

/* The words that hold, or last held, the value which the program's notes call `name` (or
 * "name@3": that of strand 3), and the slot of that name which was executed last (on that core) before now.
 * False if there was none. */
bool provenance_value(struct replay *r, const char *name, uint32_t core, struct word_range *word_range,
                      struct provenance *out);

#endif
