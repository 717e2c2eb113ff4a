/* The batch simulator's loop for x86-64 with AVX2: eight instances in a register. */
#if defined __x86_64__
#define BATCH_LOOP batch_loop_avx2
#define BATCH_TARGET __attribute__((target("avx2")))
#include "sim/engine/batch_loop.h"
#else
#include "sim/engine/batch_frame.h"
#endif
