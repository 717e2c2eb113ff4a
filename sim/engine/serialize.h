/* Finds an order in which the slots of one bundle can be executed one after the
 * other, although all of them read the state before the bundle: nobody comes
 * after a slot that writes what it reads. Where that is impossible (a swap), some
 * writes are marked as buffered: their slot writes elsewhere, and is copied to its
 * place when all others are done. */
#ifndef SHEAF_SIM_ENGINE_SERIALIZE_H
#define SHEAF_SIM_ENGINE_SERIALIZE_H

#include "sim/isa/isa.h"

enum { SERIALIZE_SLOTS = 64 }; /* at most; sets of slots are bit masks */

/* Who writes a scratch word in the bundle whose serial number it bears. */
struct serialize_word {
    uint64_t serial, writers;
};

/* Working memory for bundles of one program. */
struct serialize_table {
    struct serialize_word *words; /* one a scratch word, zero at the start */
    uint64_t serial;
};

/* A bundle's slots as the ordering sees them, in program order. All ranges must
 * lie inside the scratch. */
struct serialize_bundle {
    const struct isa_effects *fx;
    unsigned n;
    uint64_t loads, stores; /* of memory: loads come before stores */
    uint64_t first;         /* slots preferred at the very first place */
};

struct order {
    unsigned char sequence[SERIALIZE_SLOTS]; /* slot numbers in the order found */
    uint64_t buffered;                       /* slots whose write has to wait; copied in program order */
    uint64_t written_twice;                  /* scratch writes that meet an earlier one of the bundle */
};

void serialize_find(struct serialize_table *t, const struct serialize_bundle *b, struct order *out);

/* Whether some slot of the bundle last given to serialize_find writes the word. */
bool order_is_written(const struct serialize_table *t, uint32_t word);

#endif
