#include "sim/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/text.h"
#include "sim/base/vec.h"
#include "sim/program/json_scan.h"

static bool is_binary(const char *path)
{
    const size_t n = strlen(path);
    return n >= 4 && strcmp(path + n - 4, ".bin") == 0;
}

static enum status read_binary(const char *path, const char *data, size_t size, uint32_t **words, size_t *n,
                               struct diag *d)
{
    if (size % 4)
        return diag_set(d, ST_INPUT, "%s: %zu bytes, expected a multiple of 4", path, size);
    *words = malloc(size + 1);
    if (!*words)
        return diag_set(d, ST_NOMEM, "out of memory for an image of %zu words", size / 4);
    *n = size / 4;
    for (size_t i = 0; i < *n; i++) {
        const unsigned char *b = (const unsigned char *)data + 4 * i;
        (*words)[i] = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    }
    return ST_OK;
}

static enum status read_json(const char *path, const char *data, size_t size, uint32_t **words, size_t *n,
                             struct diag *d)
{
    VEC(uint32_t) list = {0};
    struct scan s;
    scan_begin(&s, data, size, path, d);
    bool good = scan_open(&s, '[', "a list of words") && vec_reserve(&list, 1);
    for (bool first = true; good && scan_item(&s, ']', &first);) {
        int64_t word;
        if (list.n >= IMAGE_MAX_WORDS)
            good = scan_fail(&s, s.pos, "expected at most %d words", IMAGE_MAX_WORDS);
        else if (!scan_int(&s, 0, UINT32_MAX, &word, "a word from 0 to 4294967295"))
            good = false;
        else if (!vec_push(&list, (uint32_t)word))
            good = scan_no_memory(&s);
    }
    good = good && scan_finish(&s);
    scan_end(&s);
    if (good) {
        *words = list.at;
        *n = list.n;
        return ST_OK;
    }
    vec_free(&list);
    return s.status != ST_OK ? s.status : diag_set(d, ST_NOMEM, "out of memory while reading an image");
}

enum status image_read(const char *path, uint32_t **words, size_t *n, struct diag *d)
{
    char *data;
    size_t size;
    *words = NULL;
    *n = 0;
    /* A word is at most ten digits and a comma; room for white space besides. */
    const size_t limit = (size_t)IMAGE_MAX_WORDS * (is_binary(path) ? 4 : 16);
    enum status status = (is_binary(path) ? file_read : file_read_text)(path, limit, &data, &size, d);
    if (status != ST_OK)
        return status;
    status = is_binary(path)
                 ? read_binary(path, data, size, words, n, d)
                 : read_json(strcmp(path, "-") == 0 ? "standard input" : path, data, size, words, n, d);
    free(data);
    return status;
}

enum status image_write(const char *path, const uint32_t *words, size_t n, struct diag *d)
{
    struct text t = {0};
    if (is_binary(path)) {
        for (size_t i = 0; i < n; i++) {
            const uint32_t w = words[i];
            const unsigned char bytes[4] = {w & 0xff, w >> 8 & 0xff, w >> 16 & 0xff,
                                            (unsigned char)(w >> 24)};
            text_add_n(&t, (const char *)bytes, sizeof bytes);
        }
    } else {
        text_add(&t, "[");
        for (size_t i = 0; i < n; i++) {
            char number[16];
            const int length = snprintf(number, sizeof number, "%s%u", i ? "," : "", words[i]);
            text_add_n(&t, number, (size_t)length);
        }
        text_add(&t, "]\n");
    }
    const enum status status = text_ok(&t) ? file_write(path, t.at ? t.at : "", t.n, d)
                                           : diag_set(d, ST_NOMEM, "out of memory while writing an image");
    text_free(&t);
    return status;
}
