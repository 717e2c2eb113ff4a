#include "kernels/dump.h"

#include "builder/passes/emit.h"

/* Several dumps are told apart by a line before each. */
static void heading(struct kern_dump *dump, enum dump_pass pass)
{
    unsigned n = 0;
    for (unsigned p = 0; p < DUMP_PASSES; p++)
        n += dump->pass[p];
    if (n > 1)
        text_addf(&dump->text, "# %s\n", dump_name(pass));
}

static enum status finish(const struct kern_dump *dump, struct diag *d)
{
    return text_ok(&dump->text) ? ST_OK : diag_set(d, ST_NOMEM, "out of memory for the dump");
}

enum status kern_dump_ir(struct kern_dump *dump, struct ir *ir, struct diag *d)
{
    if (!dump)
        return ST_OK;
    for (unsigned p = 0; p < DUMP_PASSES; p++) {
        if (!dump->pass[p])
            continue;
        heading(dump, (enum dump_pass)p);
        const enum status status = dump_build(ir, (enum dump_pass)p, &dump->text, d);
        if (status != ST_OK)
            return status;
    }
    return finish(dump, d);
}

/* What comes after scheduling is made again for it. */
static enum status dump_placed(enum dump_pass pass, const struct candidate *s, struct text *out,
                               struct diag *d)
{
    struct allocation a;
    struct emitted e = {0};
    enum status status = alloc_blocks(s->ir, &s->schedule, &a, d);
    if (status == ST_OK && pass == DUMP_ALLOCATION)
        dump_allocation(s->ir, &a, out);
    else if (status == ST_OK)
        status = emit_program(s->ir, &s->schedule, &a, &e, d);
    if (e.prog)
        prog_write_asm(e.prog, out);
    emit_free(&e);
    alloc_free(&a);
    return status;
}

enum status kern_dump_candidate(struct kern_dump *dump, const struct candidate *s, struct diag *d)
{
    if (!dump)
        return ST_OK;
    for (unsigned p = 0; p < DUMP_PASSES; p++) {
        if (!dump->pass[p])
            continue;
        enum status status = ST_OK;
        heading(dump, (enum dump_pass)p);
        if (p == DUMP_IR || p == DUMP_FOLD)
            dump_ir(s->ir, &dump->text);
        else if (p == DUMP_GRAPH)
            dump_graph(&s->sched, &dump->text);
        else if (p == DUMP_SCHEDULE)
            dump_schedule(&s->sched, &s->schedule, &dump->text);
        else
            status = dump_placed((enum dump_pass)p, s, &dump->text, d);
        if (status != ST_OK)
            return status;
    }
    return finish(dump, d);
}
