/* Programs from Python's objects, with an interpreter that is made up: shapes of objects, what is the same
 * again, and memory that runs out. tests/python has the real one, and many more programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/sheaf.h"
#include "tests/unit/failing.h"

enum { MOST = 12 };

struct object {
    ptrdiff_t references;
    const void *type;
    ptrdiff_t size;
    struct object **items;
    struct object *own[MOST]; /* the items; of a dict keys and values by turns */
    long long value;
    double real;
    const char *text;
    bool large;
};

static const char int_type, float_type, text_type, list_type, tuple_type, dict_type, other_type;
static struct object none = {.type = &other_type}, yes = {.type = &other_type}, no = {.type = &other_type};

static long long int_value(void *o, int *overflow)
{
    *overflow = ((struct object *)o)->large;
    return ((struct object *)o)->value;
}

static unsigned long long int_modulo(void *o)
{
    return (unsigned long long)((struct object *)o)->value;
}

static double float_value(void *o)
{
    return ((struct object *)o)->real;
}

static const char *text(void *o, ptrdiff_t *n)
{
    const struct object *t = o;
    if (t->text)
        *n = (ptrdiff_t)strlen(t->text);
    return t->text;
}

static int list_append(void *o, void *item)
{
    struct object *list = o;
    if (list->size == MOST)
        return -1;
    list->own[list->size++] = item;
    return 0;
}

static int dict_next(void *o, ptrdiff_t *at, void **key, void **value)
{
    const struct object *dict = o;
    if (*at == dict->size)
        return 0;
    *key = dict->own[(*at)++];
    *value = dict->own[(*at)++];
    return 1;
}

static const struct sheaf_python python = {
    .int_type = &int_type,
    .float_type = &float_type,
    .text_type = &text_type,
    .list_type = &list_type,
    .tuple_type = &tuple_type,
    .dict_type = &dict_type,
    .none_object = &none,
    .true_object = &yes,
    .false_object = &no,
    .tuple_items = offsetof(struct object, own),
    .list_items = offsetof(struct object, items),
    .int_value = int_value,
    .int_modulo = int_modulo,
    .float_value = float_value,
    .text = text,
    .list_append = list_append,
    .dict_next = dict_next,
};

/* Objects for a test: they are not freed one by one. */
static struct object pool[400];
static size_t used;

static struct object *make(const void *type)
{
    assert_true(used < sizeof pool / sizeof *pool);
    struct object *o = &pool[used++];
    *o = (struct object){.references = 1, .type = type, .items = o->own};
    return o;
}

static struct object *number(long long value)
{
    struct object *o = make(&int_type);
    o->value = value;
    return o;
}

static struct object *string(const char *s)
{
    struct object *o = make(&text_type);
    o->text = s;
    return o;
}

/* Of objects, up to NULL. */
static struct object *several(const void *type, ...)
{
    struct object *o = make(type), *next;
    va_list args;
    va_start(args, type);
    while ((next = va_arg(args, struct object *)))
        o->own[o->size++] = next;
    va_end(args);
    return o;
}

#define LIST(...) several(&list_type, __VA_ARGS__, END)
#define TUPLE(...) several(&tuple_type, __VA_ARGS__, END)
#define DICT(...) several(&dict_type, __VA_ARGS__, END)
#define END ((struct object *)NULL)
#define KEY(s) string(s)

static struct object *real(double value)
{
    struct object *o = make(&float_type);
    o->real = value;
    return o;
}

/* All there is, and keys of all kinds. */
static struct object *whole(void)
{
    struct object *large = number(5);
    large->large = true;
    return LIST(
        DICT(KEY("load"),
             LIST(TUPLE(string("const"), number(3), number(-7)), LIST(string("const"), &yes, large)),
             KEY("alu"), LIST(END)),
        DICT(KEY("debug"),
             LIST(TUPLE(string("compare"), number(0), TUPLE(number(1), string("a\"\n\xc3\xa9"), &none, &yes)),
                  TUPLE(string("comment"), DICT(string("b"), real(2.5), string("a"), &no)),
                  TUPLE(string("vcompare"), number(8), LIST(number(-1), make(&other_type))),
                  LIST(string("what"), real(1.0 / 3)))),
        DICT(KEY("flow"), TUPLE(TUPLE(string("halt")))));
}

static const char expected[] =
    "\"scratch_map\": {\"3\": [\"n\", 2]},\n\"program\": [\n"
    "{\"load\": [[\"const\",3,-7],[\"const\",1,5]], \"alu\": []},\n"
    "{\"debug\": [[\"compare\",0,[1,\"a\\\"\\n\xc3\xa9\",null,true]],[\"comment\",{\"a\":false,\"b\":2.5}],"
    "[\"vcompare\",8,[-1,\"<object 3>\"]],[\"what\",0.33333333333333331]]},\n"
    "{\"flow\": [[\"halt\"]]}\n]}\n";

struct result {
    struct object *slots, *keys;
    bool lasting;
    struct sheaf_program *program;
};

static enum sheaf_status read_objects(struct object *bundles, struct object *names, struct result *out)
{
    *out = (struct result){LIST(END), LIST(END), false, NULL};
    return sheaf_program_from_python(&python, bundles, names, out->slots, out->keys, &out->lasting,
                                     &out->program);
}

static void setup(void)
{
    used = 0;
    memset(pool, 0, sizeof pool);
}

static struct object *some_names(void)
{
    return DICT(number(3), TUPLE(string("n"), number(2)), string("x"), number(1), number(-1),
                TUPLE(string("m"), number(1)));
}

static void objects_are_read(void **state)
{
    (void)state;
    setup();
    struct result r;
    char said[1000];
    struct object *bundles = whole(), *names = some_names();
    assert_int_equal(read_objects(bundles, names, &r), SHEAF_OK);
    assert_in_range(sheaf_program_json(r.program, said, sizeof said), 1, sizeof said - 1);
    assert_non_null(strstr(said, expected));
    assert_int_equal(r.slots->size, 7);
    assert_int_equal(r.keys->size, 5);
    assert_true(r.lasting);
    assert_true(sheaf_program_is_python(r.program, &python, bundles, names, r.slots, r.keys));
    assert_false(sheaf_program_is_python(r.program, &python, bundles, NULL, r.slots, r.keys));
    assert_false(
        sheaf_program_is_python(r.program, &python, whole(), names, r.slots, r.keys)); /* another object */
    sheaf_program_destroy(r.program);
}

static void refused(struct object *bundles)
{
    struct result r;
    assert_int_equal(read_objects(bundles, NULL, &r), SHEAF_INPUT);
    assert_null(r.program);
}

static void other_objects_are_not(void **state)
{
    (void)state;
    setup();
    struct object *large = number(0);
    large->large = true;
    refused(number(1));
    refused(DICT(END));
    refused(LIST(LIST(END)));
    refused(LIST(DICT(number(1), LIST(END))));
    refused(LIST(DICT(KEY("fpu"), LIST(END))));
    refused(LIST(DICT(make(&text_type), LIST(END))));
    refused(LIST(DICT(KEY("alu"), number(1))));
    refused(LIST(DICT(KEY("alu"), LIST(number(1)))));
    refused(LIST(DICT(KEY("alu"), LIST(LIST(END)))));
    refused(LIST(DICT(KEY("alu"), LIST(LIST(number(1))))));
    refused(LIST(DICT(KEY("alu"), LIST(TUPLE(string("+"), number(1), number(1))))));
    refused(LIST(DICT(KEY("alu"), LIST(TUPLE(string("+"), number(1), number(1), number(1), number(1))))));
    refused(LIST(DICT(KEY("alu"), LIST(TUPLE(string("+"), number(1), number(1), number(1LL << 31))))));
    refused(LIST(DICT(KEY("alu"), LIST(TUPLE(string("+"), number(1), number(1), large)))));
    refused(LIST(DICT(KEY("alu"), LIST(TUPLE(string("+"), number(1), number(1), real(1))))));
    refused(LIST(DICT(KEY("flow"), LIST(TUPLE(string("jump"), large)))));
    refused(LIST(DICT(KEY("debug"), LIST(TUPLE(string("vcompare"), number(1), number(1))))));
    refused(LIST(DICT(KEY("debug"), LIST(TUPLE(string("compare"), number(1), make(&text_type))))));
}

/* A tuple that has itself in it ends somewhere. */
static void endless_keys(void **state)
{
    (void)state;
    setup();
    struct result r;
    struct object *key = TUPLE(number(1));
    key->own[key->size++] = key;
    assert_int_equal(
        read_objects(LIST(DICT(KEY("debug"), LIST(TUPLE(string("compare"), number(1), key)))), NULL, &r),
        SHEAF_OK);
    assert_string_equal(sheaf_program_text(r.program, 0), "\"<object 0>\"");
    assert_false(r.lasting);
    sheaf_program_destroy(r.program);
}

static void memory_runs_out_at_every_place(void **state)
{
    (void)state;
    setup();
    struct object *bundles = whole(), *names = some_names();
    const size_t kept = used;
    const long before = live;
    long places = 0;
    do {
        used = kept;
        fail_after(places++);
        struct result r;
        const enum sheaf_status status = read_objects(bundles, names, &r);
        if (status == SHEAF_OK)
            (void)sheaf_program_is_python(r.program, &python, bundles, names, r.slots, r.keys);
        countdown = -1;
        sheaf_program_destroy(r.program);
        assert_int_equal(live, before);
        assert_true(status == SHEAF_OK || failed);
    } while (failed);
    assert_true(places > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_read),
        cmocka_unit_test(other_objects_are_not),
        cmocka_unit_test(endless_keys),
        cmocka_unit_test(memory_runs_out_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
