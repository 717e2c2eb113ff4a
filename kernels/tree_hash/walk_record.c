/* Three ways to use records {left, right, node} loaded by one vload a lane. Loads go
 * to overlapping destinations in a fixed order, so that later ones overwrite what is
 * no longer needed of earlier ones. Costs beside the xors with node and child:
 *
 *   apart    loads 3 words apart, fields read with stride 3: 1 elementwise, 1 select
 *   paired   even lanes to one block, odd lanes to another, 2 apart: 2 selects
 *   stored   loads 1 apart leave the left children in a row; the right ones go
 *            through memory: 1 select, 1 load, 8 stores
 */
#include "kernels/tree_hash/walk.h"

enum { APART, PAIRED, STORED, KINDS };
enum { LEFT, RIGHT, NODE, FIELDS };

/* The record of one lane to `word` of a block. */
static void load_record(struct walk *w, struct ir_val block, unsigned word, struct ir_val addr, unsigned lane,
                        unsigned table)
{
    const unsigned vlen = w->ir->machine.vlen;
    ir_load_into(w->ir, ir_view(block, word, 1, vlen), ir_lane(addr, lane), w->table_mem[table]);
}

static struct ir_val node_apart(struct walk *w, struct walk_record *r, unsigned table, struct ir_val addr,
                                struct ir_val y)
{
    const unsigned vlen = w->ir->machine.vlen;
    r->block[0] = ir_block(w->ir, (uint16_t)(FIELDS * (vlen - 1) + vlen), "records");
    for (unsigned l = 0; l < vlen; l++)
        load_record(w, r->block[0], FIELDS * l, addr, l, table);
    return ir_alu(w->ir, OP_ALU_XOR, y, ir_view(r->block[0], NODE, FIELDS, vlen));
}

static struct ir_val child_apart(struct walk *w, const struct walk_record *r, struct ir_val bit,
                                 struct ir_val y)
{
    const unsigned vlen = w->ir->machine.vlen;
    const struct ir_val left = ir_alu(w->ir, OP_ALU_XOR, y, ir_view(r->block[0], LEFT, FIELDS, vlen));
    const struct ir_val right = ir_alu(w->ir, OP_ALU_XOR, y, ir_view(r->block[0], RIGHT, FIELDS, vlen));
    return ir_select(w->ir, bit, left, right);
}

/* Lane l's record starts at word l of block l % 2: its node word is overwritten by
 * the next load to that block, so it is used before. */
static struct ir_val node_paired(struct walk *w, struct walk_record *r, unsigned table, struct ir_val addr,
                                 struct ir_val y)
{
    const unsigned vlen = w->ir->machine.vlen;
    const struct ir_val x = ir_vector(w->ir, "x");
    r->block[0] = ir_block(w->ir, (uint16_t)(2 * vlen), "even records");
    r->block[1] = ir_block(w->ir, (uint16_t)(2 * vlen), "odd records");
    for (unsigned l = 0; l < vlen; l++) {
        const struct ir_val block = r->block[l % 2];
        load_record(w, block, l, addr, l, table);
        ir_alu_into(w->ir, ir_lane(x, l), OP_ALU_XOR, ir_lane(y, l), ir_lane(block, l + NODE));
    }
    return x;
}

static struct ir_val child_paired(struct walk *w, const struct walk_record *r, struct ir_val bit,
                                  struct ir_val y)
{
    const unsigned vlen = w->ir->machine.vlen;
    const struct ir_val x = ir_vector(w->ir, "x");
    for (unsigned odd = 0; odd < 2; odd++) {
        const struct ir_val child = ir_select(w->ir, bit, ir_view(r->block[odd], LEFT, 1, vlen),
                                              ir_view(r->block[odd], RIGHT, 1, vlen));
        ir_alu_into(w->ir, ir_lanes(x, odd, 2, vlen / 2), OP_ALU_XOR, ir_lanes(y, odd, 2, vlen / 2),
                    ir_lanes(child, odd, 2, vlen / 2));
    }
    return x;
}

static struct ir_val node_stored(struct walk *w, struct walk_record *r, unsigned table, struct ir_val addr,
                                 struct ir_val y)
{
    const unsigned vlen = w->ir->machine.vlen;
    const uint32_t area = walk_spare(w);
    const struct ir_val x = ir_vector(w->ir, "x");
    r->block[0] = ir_block(w->ir, (uint16_t)(2 * vlen), "left children");
    for (unsigned l = 0; l < vlen; l++) {
        load_record(w, r->block[0], l, addr, l, table);
        ir_store(w->ir, ir_const(w->ir, area + l), ir_lane(r->block[0], l + RIGHT),
                 (struct ir_mem){area + l, 1});
        ir_alu_into(w->ir, ir_lane(x, l), OP_ALU_XOR, ir_lane(y, l), ir_lane(r->block[0], l + NODE));
    }
    r->block[1] = ir_vload(w->ir, ir_const(w->ir, area), (struct ir_mem){area, vlen});
    return x;
}

static struct ir_val child_stored(struct walk *w, const struct walk_record *r, struct ir_val bit,
                                  struct ir_val y)
{
    const struct ir_val left = ir_view(r->block[0], LEFT, 1, w->ir->machine.vlen);
    return ir_alu(w->ir, OP_ALU_XOR, y, ir_select(w->ir, bit, left, r->block[1]));
}

struct ir_val walk_record_node(struct walk *w, struct walk_record *r, unsigned table, struct ir_val addr,
                               struct ir_val y)
{
    const bool can_store = w->plan.spare_words >= w->ir->machine.vlen;
    r->kind = choices_ask(w->choices, WALK_ASK_RECORD, can_store ? KINDS : STORED, APART);
    switch (r->kind) {
    case PAIRED: return node_paired(w, r, table, addr, y);
    case STORED: return node_stored(w, r, table, addr, y);
    default: return node_apart(w, r, table, addr, y);
    }
}

struct ir_val walk_record_child(struct walk *w, const struct walk_record *r, struct ir_val bit,
                                struct ir_val y)
{
    switch (r->kind) {
    case PAIRED: return child_paired(w, r, bit, y);
    case STORED: return child_stored(w, r, bit, y);
    default: return child_apart(w, r, bit, y);
    }
}
