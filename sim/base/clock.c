#include "sim/base/clock.h"

#include <time.h>

double clock_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct deadline deadline_in(double seconds)
{
    return (struct deadline){clock_now() + seconds};
}

bool deadline_over(const struct deadline *d)
{
    return d && clock_now() >= d->at;
}
