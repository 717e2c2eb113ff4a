/* The command without MPI: there is no world. tools/pool/mpi/pool_mpi.c is the other one. */
#include "tools/pool/channel.h"

enum status pool_world_open(struct pool_link **link, struct pool_channel **channel, struct diag *d)
{
    (void)d;
    *link = NULL;
    *channel = NULL;
    return ST_OK;
}

void pool_world_close(struct pool_link *link, struct pool_channel *channel)
{
    (void)link, (void)channel;
}
