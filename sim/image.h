/* Memory images in files: `.bin` is 32-bit words, least significant byte first;
 * anything else is JSON, a list of whole numbers. */
#ifndef SHEAF_SIM_IMAGE_H
#define SHEAF_SIM_IMAGE_H

#include <stdint.h>

#include "sim/base/diag.h"

enum { IMAGE_MAX_WORDS = 1 << 28 };

/* Reads the image; "-" is JSON on standard input. ST_OK and a malloc'd block in
 * *words, owned by the caller (*n may be 0), or ST_IO, ST_INPUT, ST_LIMIT, ST_NOMEM
 * with a diag and *words NULL. */
enum status image_read(const char *path, uint32_t **words, size_t *n, struct diag *d);

/* Writes the image; "-" is JSON on standard output. ST_OK, ST_IO, ST_NOMEM. */
enum status image_write(const char *path, const uint32_t *words, size_t n, struct diag *d);

#endif
