#include "tests/bench/emit.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/engine/batch_frame.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* Bundles in a function: compilers take long over very long ones. */
enum { CHUNK = 256 };

static const char *const ids[ISA_OPS] = {
#define ISA_BINARY(ID, name, partial, expression, doc) [OP_ALU_##ID] = #ID,
#include "sim/isa/isa.def"
#define ISA_BINARY(ID, name, partial, expression, doc) [OP_VALU_##ID] = "VALU_" #ID,
#include "sim/isa/isa.def"
#define ISA_SLOT(ID, engine, name, kind, r0, r1, r2, r3, expression, doc) [OP_##ID] = #ID,
#include "sim/isa/isa.def"
};

static const char *const expressions[ISA_OPS] = {
#define ISA_BINARY(ID, name, partial, expression, doc) [OP_ALU_##ID] = #expression,
#include "sim/isa/isa.def"
#define ISA_BINARY(ID, name, partial, expression, doc) [OP_VALU_##ID] = #expression,
#include "sim/isa/isa.def"
#define ISA_SLOT(ID, engine, name, kind, r0, r1, r2, r3, expression, doc) [OP_##ID] = #expression,
#include "sim/isa/isa.def"
};

/* A load or a store looks whether the address is the same for all, as one who writes
 * such a loop by hand would: most are. Loops are functions, not inlined: they are small
 * beside what they do, and many thousands of loops in a row no compiler likes. */
static const char prelude[] =
    "#include <stdint.h>\n"
    "#include <string.h>\n"
    "#define T %d\n"
    "#define LOOP static __attribute__((noinline)) void\n"
    "#define APART _Pragma(\"GCC ivdep\")\n"
    "#define ISA_TRUTH(comparison) ((u32)(comparison))\n"
    "#define ISA_IF(comparison, value, other) ((comparison) ? (value) : (other))\n"
    "typedef uint32_t u32;\n"
    "static int same(const u32 *a)\n"
    "{\n"
    "    u32 differ = 0;\n"
    "    for (int t = 0; t < T; t++) differ |= a[t] ^ a[0];\n"
    "    return !differ;\n"
    "}\n"
    "LOOP load(u32 *d, const u32 *restrict m, const u32 *a, u32 n)\n"
    "{\n"
    "    if (same(a)) { memcpy(d, m + (size_t)a[0] * T, n * T * sizeof *d); return; }\n"
    "    u32 at[T];\n"
    "    for (u32 t = 0; t < T; t++) at[t] = a[t] * T + t;\n"
    "    for (u32 i = 0; i < n; i++)\n"
    "        for (u32 t = 0; t < T; t++) d[i * T + t] = m[at[t] + i * T];\n"
    "}\n"
    "LOOP store(u32 *restrict m, const u32 *a, const u32 *restrict v, u32 n)\n"
    "{\n"
    "    if (same(a)) { memcpy(m + (size_t)a[0] * T, v, n * T * sizeof *v); return; }\n"
    "    for (u32 i = 0; i < n; i++)\n"
    "        for (u32 t = 0; t < T; t++) m[(a[t] + i) * T + t] = v[i * T + t];\n"
    "}\n"
    "LOOP copy(u32 *d, const u32 *a, u32 n) { memcpy(d, a, n * T * sizeof *d); }\n";

/* For each operation, a loop to its place, op_ADD, and one by way of a copy for where a
 * source overlaps that: over_ADD. Those of part of a vector, part_ADD, are told its words. */
static void emit_loop(FILE *out, enum isa_op op, const char *id, uint32_t vlen)
{
    const struct isa_info *info = isa_info(op);
    if (info->kind != KIND_PURE)
        return;
    const uint32_t n = info->role[0] == ROLE_VDEST ? vlen : 1;
    char sources[100] = "", body[200];
    size_t used = 0;
    unsigned n_sources = 0;
    for (unsigned i = 1; i < info->args; i++)
        if (isa_role_is_address(info->role[i])) {
            used += (size_t)snprintf(sources + used, sizeof sources - used, "%c = x%u[t%s], ",
                                     'a' + (int)n_sources, n_sources + 1,
                                     info->role[i] == ROLE_SRC ? " % T" : "");
            n_sources++;
        }
    (void)snprintf(body, sizeof body, "{ const u32 %sz = 0; (void)z;", sources);
    static const char head[] = "LOOP %s_%s(u32 *d, const u32 *x1, const u32 *x2, const u32 *x3, u32 k)\n{\n";
    static const char *const names[][2] = {{"op", "over"}, {"part", "part_over"}};
    for (unsigned part = 0; part < 2; part++) {
        char each[60];
        (void)snprintf(each, sizeof each,
                       part ? "for (u32 t = 0; t < k * T; t++)" : "for (u32 t = 0; t < %u * T; t++)", n);
        (void)fprintf(out, head, names[part][0], id);
        (void)fprintf(out, "    APART %s %s d[t] = %s; }\n}\n", each, body, expressions[op]);
        (void)fprintf(out, head, names[part][1], id);
        (void)fprintf(out, "    u32 out[%u * T];\n    %s %s out[t] = %s; }\n", n, each, body,
                      expressions[op]);
        (void)fprintf(out, "    memcpy(d, out, %s * T * sizeof *d);\n}\n",
                      part ? "k" : "sizeof out / T / sizeof *d");
    }
}

static void emit_loops(FILE *out, uint32_t vlen)
{
    (void)fprintf(out, prelude, BATCH_LANES);
    for (unsigned op = 0; op < ISA_OPS; op++)
        emit_loop(out, (enum isa_op)op, ids[op], vlen);
}

/* Whether the n words of the dest have some of source `from`, of so many words, without being the same. */
static bool overlaps(const struct micro *m, uint32_t from, uint32_t words, uint32_t n)
{
    return (from != m->a || words != n) && from + words > m->a && from < m->a + n;
}

static void emit_pure(FILE *out, const struct micro *m, enum isa_op op, uint32_t vlen)
{
    const struct isa_info *info = isa_info(op);
    const bool part = m->code >= MICRO_PART, literal = isa_has_literal(op);
    const uint32_t at[] = {m->b, literal ? m->d : m->c, literal ? 0 : m->d};
    const uint32_t n = part ? m->d : isa_is_vector(op) ? vlen : 1;
    uint32_t source[] = {0, 0, 0};
    bool over = false;
    for (unsigned i = 1, k = 0; i < info->args; i++)
        if (isa_role_is_address(info->role[i])) {
            source[k] = at[k];
            over |= overlaps(m, at[k++], isa_role_is_vector(info->role[i]) ? n : 1, n);
        }
    (void)fprintf(out, "    %s%s_%s(s + %u * T", part ? "part" : "",
                  over ? (part ? "_over" : "over") : (part ? "" : "op"), ids[op], m->a);
    for (unsigned k = 0; k < COUNT(source); k++)
        (void)fprintf(out, ", s + %u * T", source[k]);
    (void)fprintf(out, ", %uu);\n", part ? n : m->c);
}

static void emit_micro(FILE *out, const struct micro *m, uint32_t vlen)
{
    const unsigned code = m->code < MICRO_COPY ? m->code % ISA_OPS : m->code;
    if (code < ISA_OPS && isa_info((enum isa_op)code)->kind == KIND_PURE) {
        emit_pure(out, m, (enum isa_op)code, vlen);
        return;
    }
    if (code < ISA_OPS && isa_is_access((enum isa_op)code)) {
        const uint32_t n = isa_is_vector((enum isa_op)code) ? vlen : 1;
        (void)fprintf(out,
                      isa_is_load((enum isa_op)code) ? "    load(s + %u * T, m, s + %u * T, %u);\n"
                                                     : "    store(m, s + %u * T, s + %u * T, %u);\n",
                      m->a, m->b, n);
        return;
    }
    switch (code) {
    case MICRO_COPY:
    case MICRO_COPY_8:
    case MICRO_COPY_N:
        (void)fprintf(out, "    copy(s + %u * T, s + %u * T, %u);\n", m->a, m->b,
                      code == MICRO_COPY     ? 1
                      : code == MICRO_COPY_8 ? 8
                                             : m->c);
        return;
    case MICRO_CHECK:
    case MICRO_CHECK_2:
    case MICRO_CHECK_APART:
    case MICRO_CHECK_DIVISOR:
    case OP_HALT: /* at the end only, as jumps back are not taken */
    case OP_COND_JUMP:
    case MICRO_END: return;
    default: (void)fprintf(stderr, "batch: no C for micro-operation %u\n", code); exit(2);
    }
}

static void emit_program(FILE *out, const struct prog *p, const struct sim_config *config, size_t mem_words)
{
    struct micro_stream s = {0};
    if (!predecode(p, config, mem_words, MICRO_BATCH, &s)) {
        (void)fprintf(stderr, "batch: out of memory\n");
        exit(2);
    }
    emit_loops(out, config->machine.vlen);
    const uint32_t bundles = (uint32_t)p->bundles.n, chunks = (bundles + CHUNK - 1) / CHUNK;
    for (uint32_t k = 0; k < chunks; k++) {
        const uint32_t end = (k + 1) * CHUNK < bundles ? (k + 1) * CHUNK : bundles;
        (void)fprintf(out, "static void chunk_%u(uint32_t *s, uint32_t *restrict m)\n{\n", k);
        for (size_t i = s.marks.at[k * CHUNK].first; i < s.marks.at[end].first; i++)
            emit_micro(out, &s.code.at[i], config->machine.vlen);
        (void)fprintf(out, "}\n");
    }
    (void)fprintf(out, "void run(uint32_t *s, uint32_t *restrict m)\n{\n");
    for (uint32_t k = 0; k < chunks; k++)
        (void)fprintf(out, "    chunk_%u(s, m);\n", k);
    (void)fprintf(out, "}\n");
    predecode_free(&s);
}

static void fail(const char *what)
{
    (void)fprintf(stderr, "batch: %s\n", what);
    exit(2);
}

struct emit_code emit_compile(const struct prog *p, const struct sim_config *config, size_t mem_words)
{
    const char *tmp = getenv("TMPDIR"), *cc = getenv("CC");
    char folder[200], source[240], library[240], command[900];
    (void)snprintf(folder, sizeof folder, "%s/sheaf-bench-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(folder))
        fail("no folder for the C code");
    (void)snprintf(source, sizeof source, "%s/run.c", folder);
    (void)snprintf(library, sizeof library, "%s/run.so", folder);
    FILE *out = fopen(source, "w");
    if (!out)
        fail("the C code cannot be written");
    emit_program(out, p, config, mem_words);
    if (fclose(out) != 0)
        fail("the C code cannot be written");
    (void)snprintf(command, sizeof command, "%s -O3 -march=native -shared -fPIC -w -o '%s' '%s'",
                   cc ? cc : "cc", library, source);
    if (system(command) != 0)
        fail("the C code does not compile");
    struct emit_code code = {.library = dlopen(library, RTLD_NOW)};
    void *run = code.library ? dlsym(code.library, "run") : NULL;
    if (!run)
        fail("the C code cannot be loaded");
    memcpy(&code.run, &run, sizeof run);
    (void)unlink(source);
    (void)unlink(library);
    (void)rmdir(folder);
    return code;
}

void emit_release(struct emit_code *code)
{
    (void)dlclose(code->library);
}
