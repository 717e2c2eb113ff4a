/* Messages of the Debug Adapter Protocol: JSON behind a `Content-Length` header. */
#ifndef SHEAF_TOOLS_DEBUG_DAP_IO_H
#define SHEAF_TOOLS_DEBUG_DAP_IO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { DAP_MAX_BYTES = 8 << 20 }; /* of a message; longer ones are skipped */

struct dap_io {
    int in, out;
    char *at; /* what was read and not used yet */
    size_t n, capacity;
    size_t skip; /* bytes of a message too long to be kept, still to come */
    bool ended;  /* nothing more can be read, or written */
};

enum dap_read { DAP_MESSAGE, DAP_BAD, DAP_ENDED };

/* Takes over standard input and output: whatever else reads gets nothing, and whatever else
 * prints goes to standard error. False when the system refuses. */
bool dap_io_open(struct dap_io *io);
void dap_io_close(struct dap_io *io);

/* Waits for a message, the caller's to release. DAP_BAD: there was one, and `problem` says what is wrong
 * with it; reading can go on. */
enum dap_read dap_io_read(struct dap_io *io, json_t **message, const char **problem);

/* Whether dap_io_read would not wait. */
bool dap_io_ready(struct dap_io *io);

/* Sends a message, which is released; false when that fails. */
bool dap_io_write(struct dap_io *io, json_t *message);

#endif
