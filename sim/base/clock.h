/* Time by a clock that only goes forward, and deadlines on it. */
#ifndef SHEAF_BASE_CLOCK_H
#define SHEAF_BASE_CLOCK_H

#include <stdbool.h>

/* Seconds since some moment in the past. */
double clock_now(void);

/* When work has to be over. Who is given NULL has all the time there is. */
struct deadline {
    double at;
};

struct deadline deadline_in(double seconds);
bool deadline_over(const struct deadline *d);

#endif
