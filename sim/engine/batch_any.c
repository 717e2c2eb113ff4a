/* The batch simulator's loop for every host. */
#define BATCH_LOOP batch_loop_any
#define BATCH_TARGET
#include "sim/engine/batch_loop.h"
