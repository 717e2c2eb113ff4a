/* Prints, from the operation table, the operation reference of the machine's manual in
 * Markdown, or with `operators` the list of operators in the builder's public header.
 * `make manual` puts them into sim/README.md and builder/sheaf_builder.h; a test compares. */
#include <stdio.h>
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
static const char *own_fault(const struct isa_info *info)
{
    switch (info->kind) {
    case KIND_PURE: return info->partial ? "`divide_by_zero` when b is 0" : "";
    case KIND_LOAD:
    case KIND_VLOAD:
    case KIND_STORE:
    case KIND_VSTORE: return "`out_of_range` beyond memory";
    case KIND_JUMP:
    case KIND_COND_JUMP:
    case KIND_COND_JUMP_REL: return "`out_of_range` before bundle 0";
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
        printf(" | %s |\n", own_fault(info));
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

enum { NAME = 16 };

struct row {
    const char *id, *expression, *doc;
};

static const struct row operators[] = {
#define ISA_BINARY(ID, name, partial, expression, doc) {#ID, "a " name " b", doc},
#include "sim/isa/isa.def"
};

static void print_operators(void)
{
    const size_t n = sizeof operators / sizeof *operators;
    char line[sizeof operators / sizeof *operators][160];
    int longest = 0;
    for (size_t i = 0; i < n; i++) {
        char name[NAME] = {0};
        for (size_t c = 0; c + 1 < NAME && operators[i].id[c]; c++)
            name[c] = (char)(operators[i].id[c] | 0x20);
        const int length = snprintf(line[i], sizeof line[i], "    X(sheaf_%s, SHEAF_OP_%s, \"%s\", \"%s\")",
                                    name, operators[i].id, operators[i].expression, operators[i].doc);
        longest = length > longest ? length : longest;
    }
    printf("#define %-*s\\\n", longest - 7, "SHEAF_EACH_OPERATOR(X)");
    for (size_t i = 0; i + 1 < n; i++)
        printf("%-*s \\\n", longest, line[i]);
    printf("%s\n", line[n - 1]);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "operators") == 0)
        print_operators();
    else
        print_manual();
    return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
