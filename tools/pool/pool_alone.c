/* The command without MPI: there is no world. tools/pool/mpi/pool_mpi.c is the other one. */
#include "tools/pool/channel.h"

enum status crew_world_open(struct crew_link **link, struct crew_desk **desk, struct diag *d)
{
    (void)d;
    *link = NULL;
    *desk = NULL;
    return ST_OK;
}

void crew_world_close(struct crew_link *link, struct crew_desk *desk)
{
    (void)link, (void)desk;
}
