/* An allocator that fails when told to, and counts what is not freed. For the one file
 * of a test program that is linked with --wrap for it (see LINK_ in the Makefile). */
#ifndef SHEAF_TESTS_FAILING_H
#define SHEAF_TESTS_FAILING_H

#include <stdbool.h>
#include <stddef.h>

static long countdown = -1; /* allocations until one fails; negative: none does */
static long live;           /* blocks not freed */
static bool failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *block);

/* Whether this allocation fails: one does, those after it succeed again. */
static bool fails(void)
{
    const bool now = countdown >= 0 && countdown-- == 0;
    failed = failed || now;
    return now;
}

static void *counted(void *block)
{
    live += block != NULL;
    return block;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (fails())
        return NULL;
    return block ? __real_realloc(block, size) : counted(__real_realloc(block, size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : counted(__real_aligned_alloc(alignment, size));
}

void __wrap_free(void *block)
{
    live -= block != NULL;
    __real_free(block);
}

/* The n-th allocation from now on fails, from 0; none if n is negative. */
static void fail_after(long n)
{
    countdown = n;
    failed = false;
}

#endif
