/* Memory images: both formats there and back, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/base/file.h"
#include "sim/image.h"

struct paths {
    char directory[32], json[48], bin[48];
};

static int set_up(void **state)
{
    struct paths *p = calloc(1, sizeof *p);
    if (!p)
        return -1;
    (void)snprintf(p->directory, sizeof p->directory, "/tmp/sheaf-image-XXXXXX");
    if (!mkdtemp(p->directory))
        return -1;
    (void)snprintf(p->json, sizeof p->json, "%s/i.json", p->directory);
    (void)snprintf(p->bin, sizeof p->bin, "%s/i.bin", p->directory);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct paths *p = *state;
    (void)unlink(p->json);
    (void)unlink(p->bin);
    const int result = rmdir(p->directory);
    free(p);
    return result;
}

static void there_and_back(const char *path, const uint32_t *words, size_t n)
{
    struct diag d;
    uint32_t *again;
    size_t m;
    assert_int_equal(image_write(path, words, n, &d), ST_OK);
    assert_int_equal(image_read(path, &again, &m, &d), ST_OK);
    assert_int_equal(m, n);
    assert_memory_equal(again, words, n * sizeof *words);
    free(again);
}

static void test_round_trip(void **state)
{
    const struct paths *p = *state;
    static const uint32_t words[] = {0, 1, 255, 256, 65536, 0x80000000, UINT32_MAX, 0x01020304};
    for (size_t n = 0; n <= 8; n += 4) {
        there_and_back(p->json, words, n);
        there_and_back(p->bin, words, n);
    }
}

static void test_bytes(void **state)
{
    const struct paths *p = *state;
    static const uint32_t words[] = {7, 0x01020384};
    struct diag d;
    char *data;
    size_t size;
    assert_int_equal(image_write(p->bin, words, 2, &d), ST_OK);
    assert_int_equal(file_read(p->bin, 100, &data, &size, &d), ST_OK);
    assert_int_equal(size, 8);
    assert_memory_equal(data, "\7\0\0\0\x84\3\2\1", 8);
    free(data);
    assert_int_equal(image_write(p->json, words, 2, &d), ST_OK);
    assert_int_equal(file_read(p->json, 100, &data, &size, &d), ST_OK);
    assert_string_equal(data, "[7,16909188]\n");
    free(data);
}

static void refused(const char *path, const char *data, size_t size, unsigned column, const char *text)
{
    struct diag d;
    uint32_t *words;
    size_t n;
    assert_int_equal(file_write(path, data, size, &d), ST_OK);
    assert_int_equal(image_read(path, &words, &n, &d), ST_INPUT);
    assert_null(words);
    assert_int_equal(d.column, column);
    assert_non_null(strstr(d.text, text));
}

static void test_refused(void **state)
{
    const struct paths *p = *state;
    static const struct {
        const char *data;
        unsigned column;
        const char *text;
    } cases[] = {
        {"", 1, "expected a list of words, found the end of the input"},
        {"{}", 1, "expected a list of words, found an object"},
        {"[1,2", 5, "found the end of the input"},
        {"[1,-1]", 4, "expected a word from 0 to 4294967295"},
        {"[4294967296]", 2, "expected a word from 0 to 4294967295"},
        {"[1.5]", 2, "not whole"},
        {"[\"1\"]", 2, "found a string"},
        {"[[1]]", 2, "found a list"},
        {"[1,]", 4, "expected another item"},
        {"[1] 2", 5, "expected the end of the input"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(p->json, cases[i].data, strlen(cases[i].data), cases[i].column, cases[i].text);
    refused(p->bin, "12345", 5, 0, "5 bytes, expected a multiple of 4");
}

static void test_missing(void **state)
{
    const struct paths *p = *state;
    struct diag d;
    uint32_t *words;
    size_t n;
    assert_int_equal(image_read(p->directory, &words, &n, &d), ST_IO);
    assert_int_equal(image_read("/nonexistent/i.bin", &words, &n, &d), ST_IO);
    assert_int_equal(image_write("/nonexistent/i.bin", NULL, 0, &d), ST_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_missing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
