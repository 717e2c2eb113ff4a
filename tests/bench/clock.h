/* Times and their medians, for the benchmarks. */
#ifndef SHEAF_BENCH_CLOCK_H
#define SHEAF_BENCH_CLOCK_H

#include <stdlib.h>
#include <time.h>

/* Seconds of processor time of this thread. */
static inline double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

#endif
