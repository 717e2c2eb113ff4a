/* Slots, and their operands that may be any JSON, from JSON text: for both readers.
 * All add to the program. `spare` is the caller's, for texts that are being made. */
#ifndef SHEAF_PROGRAM_JSON_SLOT_H
#define SHEAF_PROGRAM_JSON_SLOT_H

#include "sim/program/json_scan.h"
#include "sim/program/program.h"

/* Any JSON, kept as a text of the program; its index, or -1 on failure. */
int64_t scan_text(struct scan *s, struct prog *p, struct text *spare);

/* A list of keys: sets the slot's literal and arg[1]. */
bool scan_keys(struct scan *s, struct prog *p, struct isa_slot *slot, struct text *spare);

/* A whole slot of `engine`, ["+",4,0,1]. */
bool scan_slot(struct scan *s, struct prog *p, enum isa_engine engine, struct text *spare);

#endif
