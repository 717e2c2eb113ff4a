/* Fuzzing of the readers. An input's first byte chooses JSON or assembly, the rest is
 * the text. Whatever it is, reading ends in a program or in one error with a place;
 * and a program survives being written and read in both formats, and being checked.
 *
 * With clang's -fsanitize=fuzzer (and -DSHEAF_LIBFUZZER) this is a libFuzzer target,
 * see `make fuzz-loader`. Otherwise it has a main that replays a corpus and then
 * mutations of it:
 *
 * usage: fuzz_loader DIRECTORY [MUTATIONS [SEED]] */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/random.h"
#include "sim/program/check.h"
#include "sim/program/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                       \
    do {                                                                                         \
        if (!(condition)) {                                                                      \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                             \
        }                                                                                        \
    } while (0)

typedef enum status reader(const char *, size_t, const char *, struct prog **, struct diag *);
typedef void writer(const struct prog *, struct text *);

static void check_error(enum status status, const struct prog *p, const struct diag *d)
{
    REQUIRE(status == ST_INPUT && !p);
    REQUIRE(d->text[0] && d->line >= 1 && d->column >= 1);
    REQUIRE(d->caret >= 1 && d->caret <= strlen(d->source) + 1);
    char out[DIAG_TEXT + 5 * DIAG_LINE];
    REQUIRE(diag_render(d, out, sizeof out) < sizeof out);
}

/* What was written reads back, and is written the same again, in both formats. */
static void check_again(reader *read, const struct text *written, const struct text *json,
                        const struct text *assembly)
{
    struct prog *p;
    struct diag d;
    struct text json_again = {0}, assembly_again = {0};
    REQUIRE(read(written->at, written->n, NULL, &p, &d) == ST_OK);
    prog_write_json(p, &json_again);
    REQUIRE(json_again.n == json->n && memcmp(json_again.at, json->at, json->n) == 0);
    if (assembly) {
        text_add(&assembly_again, "");
        prog_write_asm(p, &assembly_again);
        REQUIRE(assembly_again.n == assembly->n && memcmp(assembly_again.at, assembly->at, assembly->n) == 0);
    }
    text_free(&json_again);
    text_free(&assembly_again);
    prog_destroy(p);
}

static void check_program(const struct prog *p)
{
    struct text json = {0}, assembly = {0}, line = {0};
    prog_write_json(p, &json);
    text_add(&assembly, "");
    prog_write_asm(p, &assembly);
    check_again(prog_read_json, &json, &json, NULL);
    check_again(prog_read_asm, &assembly, &json, &assembly);
    struct prog_findings f = {0};
    REQUIRE(prog_check(p, &p->machine, 20, &f) == ST_OK);
    for (size_t i = 0; i < f.list.n; i++)
        prog_finding_text(p, &f.list.at[i], &line);
    prog_findings_free(&f);
    text_free(&json);
    text_free(&assembly);
    text_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    reader *read = data[0] & 1 ? prog_read_asm : prog_read_json;
    /* An exact copy, so that the address sanitizer sees any read beyond the end. */
    char *text = malloc(size > 1 ? size - 1 : 1);
    REQUIRE(text);
    memcpy(text, data + 1, size - 1);
    struct prog *p = NULL;
    struct diag d;
    const enum status status = read(text, size - 1, NULL, &p, &d);
    if (status == ST_OK)
        check_program(p);
    else
        check_error(status, p, &d);
    prog_destroy(p);
    free(text);
    return 0;
}

#ifndef SHEAF_LIBFUZZER
enum { MAX_INPUTS = 1000 };

struct input {
    char *at;
    size_t n;
};

/* Reads the directory's files; their number. */
static size_t read_corpus(const char *folder, struct input *inputs)
{
    struct dirent **entries;
    const int count = scandir(folder, &entries, NULL, alphasort);
    size_t n = 0;
    for (int i = 0; i < count; i++) {
        char path[1024];
        struct diag d;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && n < MAX_INPUTS) {
            REQUIRE(file_read(path, 1 << 24, &inputs[n].at, &inputs[n].n, &d) == ST_OK);
            n++;
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return n;
}

/* A copy with a few bytes changed, a piece left out, repeated or put in from another. */
static size_t mutate(struct rng *r, const struct input *a, const struct input *b, uint8_t *out,
                     size_t capacity)
{
    static const char useful[] = "[]{}\",:;#@.+-=0189xeL\\u \n";
    size_t n = a->n < capacity ? a->n : capacity;
    memcpy(out, a->at, n);
    for (uint32_t change = 1 + rng_below(r, 4); change && n > 1; change--) {
        const size_t at = 1 + rng_below(r, (uint32_t)n - 1), piece = 1 + rng_below(r, 12);
        const size_t from = rng_below(r, (uint32_t)b->n), length = piece < b->n - from ? piece : b->n - from;
        switch (rng_below(r, 4)) {
        case 0: out[at] = (uint8_t)useful[rng_below(r, sizeof useful - 1)]; break;
        case 1: out[at] = (uint8_t)rng_next(r); break;
        case 2:
            if (at + piece < n) {
                memmove(out + at, out + at + piece, n - at - piece);
                n -= piece;
            }
            break;
        default:
            if (n + length <= capacity) {
                memmove(out + at + length, out + at, n - at);
                memcpy(out + at, b->at + from, length);
                n += length;
            }
        }
    }
    return n;
}

int main(int argc, char **argv)
{
    static struct input inputs[MAX_INPUTS];
    static uint8_t buffer[1 << 16];
    const size_t n = argc > 1 ? read_corpus(argv[1], inputs) : 0;
    if (!n) {
        (void)fprintf(stderr, "usage: fuzz_loader DIRECTORY [MUTATIONS [SEED]]\n");
        return 2;
    }
    for (size_t i = 0; i < n; i++)
        (void)LLVMFuzzerTestOneInput((const uint8_t *)inputs[i].at, inputs[i].n);
    const unsigned long mutations = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    struct rng r = {argc > 3 ? strtoul(argv[3], NULL, 10) : 1};
    for (unsigned long m = 0; m < mutations; m++) {
        const struct input *a = &inputs[rng_below(&r, (uint32_t)n)], *b = &inputs[rng_below(&r, (uint32_t)n)];
        (void)LLVMFuzzerTestOneInput(buffer, mutate(&r, a, b, buffer, sizeof buffer));
    }
    for (size_t i = 0; i < n; i++)
        free(inputs[i].at);
    printf("%lu passed, 0 failed\n", (unsigned long)n + mutations);
    return 0;
}
#endif
