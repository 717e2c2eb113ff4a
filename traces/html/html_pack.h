/* A recorded run as streams of numbers for the page, which traces/html/viewer/data.js reads.
 *
 * A number is LEB128: seven bits a byte, the lowest first, the top bit set on all but the
 * last. A signed one is zigzag: 0, -1, 1, -2, ... A text is an index into `words`, the
 * distinct operations, operands and names.
 *
 *   code    for each slot of the program that was executed, in the program's order:
 *           engine; access (0 none, 1 writes scratch, 2 loads, 3 stores); scratch word written;
 *           texts, their number first: operation, operands;
 *           reads, their number first: operand (from 0), first word, words;
 *           with notes: stage + 1 (0: none), round, strand + 1 (0: all), name of the value (empty:
 *           none), the first of its words
 *   run     for each bundle with slots, as executed: bundle, cycles since the one before, core,
 *           number of slots; for each slot of it: code, signed, less that of the slot before;
 *           words written; where it loads or stores: address; how many cycles sooner it could be,
 *           for its operands, for the words it writes, for the order of writes and memory; edges,
 *           their number first: how many slots earlier (signed) << 3 | kind, first word
 *   values  the words written, slot by slot: 32 bit, little endian
 *   holes   for each cycle and engine: slots used, empty ones by cause
 *   live    for each cycle: scratch words in use
 */
#ifndef SHEAF_TRACES_HTML_HTML_PACK_H
#define SHEAF_TRACES_HTML_HTML_PACK_H

#include "traces/profile/holes.h"
#include "traces/profile/live.h"

struct html_pack {
    struct text code, run, values, holes, live;
    VEC(const char *) words; /* in the arena */
    uint32_t codes, bundles; /* how many there are in the streams */
    bool failed;             /* out of memory */
    struct arena arena;
};

/* All streams of a run. ST_OK, ST_NOMEM; to be freed with html_pack_free in any case. */
enum status html_pack(const struct history *h, const struct holes *holes, const struct live *live,
                      struct html_pack *out, struct diag *d);
void html_pack_free(struct html_pack *p);

/* Appends the bytes in base64 (RFC 4648, padded). */
void html_base64(const struct text *bytes, struct text *out);

#endif
