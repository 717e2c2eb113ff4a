/* Prints, from the operation table, the operation reference of the machine's manual in
 * Markdown, or with `operators` the list of operators in the builder's public header.
 * `make manual` puts them into sim/README.md and builder/api/sheaf_builder.h; a test compares. It is linked
 * with the table alone, so that it can be built when that header is not up to date. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/isa/isa.h"

/* Operands are called as in the table's effects: dest, the sources a, b, c in
 * order, and k for the operand that is not an address. */
static const char *operand_name(enum isa_role role, unsigned *sources)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    if (isa_role_is_dest(role))
        return "dest";
    if (isa_role_is_address(role))
        return names[(*sources)++];
    switch ((int)role) {
    case ROLE_KEY: return "key";
    case ROLE_KEYS: return "[key, ...]";
    case ROLE_TEXT: return "text";
    default: return "k";
    }
}

static void print_slot(const struct isa_info *info)
{
    unsigned sources = 0;
    printf("| `[\"");
    for (const char *c = info->name; *c; c++)
        printf(*c == '|' ? "\\%c" : "%c", *c); /* a bar would end the table's cell */
    printf("\"");
    for (unsigned i = 0; i < info->args; i++)
        printf(", %s", operand_name(info->role[i], &sources));
    printf("]`");
}

static void print_vectors(const struct isa_info *info)
{
    unsigned sources = 0;
    const char *separator = "";
    for (unsigned i = 0; i < info->args; i++) {
        const char *name = operand_name(info->role[i], &sources);
        if (isa_role_is_vector(info->role[i])) {
            printf("%s%s", separator, name);
            separator = ", ";
        }
    }
}

/* The fault that is this operation's own; a scratch address out of range is everybody's. */
static const char *own_fault(enum isa_op op)
{
    const struct isa_info *info = isa_info(op);
    if (isa_is_access(op))
        return "`out_of_range` beyond memory";
    if (isa_is_jump(op) && isa_has_literal(op))
        return "`out_of_range` before bundle 0";
    switch ((int)info->kind) {
    case KIND_PURE: return info->partial ? "`divide_by_zero` when b is 0" : "";
    case KIND_TRACE: return "`trace_limit`";
    case KIND_COMPARE: return "`debug_mismatch`";
    default: return "";
    }
}

static void print_engine(enum isa_engine engine, const struct isa_machine *machine)
{
    printf("### %s\n\n", isa_engine_name(engine));
    printf("%s", isa_engine_doc(engine));
    if (engine != ENGINE_DEBUG)
        printf("; %u a cycle on the reference machine", machine->slots[engine]);
    printf(".\n\n");
    if (engine == ENGINE_VALU)
        printf("Every operator of alu is one of valu too; then dest, a and b are all vectors.\n\n");
    printf("| slot | effect | vectors | fault |\n|---|---|---|---|\n");
    for (unsigned op = 0; op < ISA_OPS; op++) {
        const struct isa_info *info = isa_info((enum isa_op)op);
        if (info->engine != engine || isa_is_valu_binary((enum isa_op)op))
            continue;
        print_slot(info);
        printf(" | %s | ", info->effect);
        print_vectors(info);
        printf(" | %s |\n", own_fault((enum isa_op)op));
    }
}

static void print_manual(void)
{
    const struct isa_machine machine = isa_default_machine();
    for (unsigned e = 0; e < ISA_ENGINES; e++) {
        if (e)
            printf("\n");
        print_engine((enum isa_engine)e, &machine);
    }
}

/* --- operators --------------------------------------------------------------- */

struct row {
    const char *id, *expression, *doc;
};

static const struct row operators[] = {
#define ISA_BINARY(ID, name, partial, expression, doc) {#ID, "a " name " b", doc},
#include "sim/isa/isa.def"
};

/* As it is between quotes in C. */
static void write_quoted(FILE *out, const char *text)
{
    (void)fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            (void)fputc('\\', out);
        (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}

static void write_operator(FILE *out, const struct row *r)
{
    (void)fprintf(out, "    X(sheaf_");
    for (const char *c = r->id; *c; c++)
        (void)fputc(tolower((unsigned char)*c), out);
    (void)fprintf(out, ", SHEAF_OP_%s, ", r->id);
    write_quoted(out, r->expression);
    (void)fprintf(out, ", ");
    write_quoted(out, r->doc);
    (void)fprintf(out, ")");
}

/* A macro of several lines, the backslashes in one column. False when out of memory. */
static bool print_operators(void)
{
    const size_t n = sizeof operators / sizeof *operators;
    char *line[sizeof operators / sizeof *operators] = {NULL};
    size_t length = 0, longest = 0;
    bool good = true;
    for (size_t i = 0; i < n && good; i++) {
        FILE *out = open_memstream(&line[i], &length);
        good = out != NULL;
        if (good)
            write_operator(out, &operators[i]);
        good = good && fclose(out) == 0;
        longest = good && length > longest ? length : longest;
    }
    if (good)
        printf("#define %-*s\\\n", (int)longest - 7, "SHEAF_EACH_OPERATOR(X)");
    for (size_t i = 0; i < n; i++) {
        if (good)
            printf(i + 1 < n ? "%-*s \\\n" : "%.*s\n", (int)longest, line[i]);
        free(line[i]);
    }
    return good;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "operators") == 0) {
        if (!print_operators())
            return 1;
    } else {
        print_manual();
    }
    return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
