/* What Python's marshal module writes, rewritten as JSON. Python programs have their
 * bundles as lists and dicts; marshal turns those into bytes several times faster than
 * anything else in its standard library, so this is how they get here. */
#ifndef SHEAF_PROGRAM_MARSHAL_H
#define SHEAF_PROGRAM_MARSHAL_H

#include "sim/base/diag.h"
#include "sim/base/text.h"

/* Nesting beyond this is refused. */
enum { MARSHAL_MAX_DEPTH = 100 };

/* Rewrites marshal.dumps(value, 2): numbers, texts, None, and tuples, lists and dicts of
 * them. True and False become 1 and 0, which they equal in Python. Bundles stand on a
 * line each, so that the lines of later complaints name them.
 * ST_OK, ST_NOMEM, or ST_INPUT with that line for anything else; `out` is then to be
 * freed as well. */
enum status marshal_to_json(const void *data, size_t size, struct text *out, struct diag *d);

#endif
