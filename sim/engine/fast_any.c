/* The fast simulator's loop for every host. */
#define FAST_LOOP fast_loop_any
#define FAST_TARGET
#include "sim/engine/fast_loop.h"
