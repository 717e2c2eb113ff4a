/* The batch simulator's loop for x86-64 with AVX-512: sixteen instances in a register. */
#if defined __x86_64__
#define BATCH_LOOP batch_loop_avx512
#define BATCH_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#include "sim/engine/batch_loop.h"
#else
#include "sim/engine/batch_frame.h"
#endif
