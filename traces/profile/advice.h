/* What to do next: a class by rule, and advice with the saving it promises. */
#ifndef SHEAF_TRACES_PROFILE_ADVICE_H
#define SHEAF_TRACES_PROFILE_ADVICE_H

#include "traces/profile/holes.h"
#include "traces/profile/limits.h"
#include "traces/profile/what_if.h"

/* What holds the program back. */
enum advice_class {
    CLASS_GATHER, /* load slots, most of them gathers */
    CLASS_LOAD,   /* load slots otherwise */
    CLASS_STORE,
    CLASS_COMPUTE, /* "VALU/ALU" */
    CLASS_FLOW,
    CLASS_DEP,      /* the chain of values */
    CLASS_SCHEDULE, /* far from every bound: the same slots pack better */
    CLASS_LAUNCH, /* the busiest engine waits for its first operation, or others for theirs after its last */
    ADVICE_CLASSES
};

struct advice_item {
    enum advice_class about;
    uint32_t saving; /* cycles it promises, of all */
    char text[240];  /* what to do, and what the figure is of: one sentence */
};

enum { ADVICE_MAX = 12 };

struct advice {
    enum advice_class class;
    char why[200];
    struct what_ifs what_if;
    struct advice_item item[ADVICE_MAX]; /* the largest saving first */
    unsigned n;
};

/* What the rules look at besides. */
struct advice_facts {
    uint64_t gathers;   /* load slots whose address was computed: scalar loads and load_offset */
    uint64_t repeated;  /* of them, those that load a word loaded before in the same round or window */
    uint64_t constants; /* const slots */
    uint32_t bound;     /* of the builder, its choice of engines free; 0: not known */
    uint32_t live_peak; /* words of scratch */
};

/* `l` are the limits of the recorded machine. ST_OK, ST_NOMEM. */
enum status advice_make(const struct history *h, const struct holes *holes, const struct limits *l,
                        const struct advice_facts *facts, struct advice *out, struct diag *d);

/* "GATHER", ..., "VALU/ALU", ... */
const char *advice_class_name(enum advice_class c);

#endif
