/* The fast simulator's loop for x86-64 with AVX2: eight lanes in one register. */
#if defined __x86_64__
#define FAST_LOOP fast_loop_avx2
#define FAST_TARGET __attribute__((target("avx2")))
#include "sim/engine/fast_loop.h"
#else
#include "sim/engine/fast.h"
#endif
