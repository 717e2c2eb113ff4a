/* The tuning records under kernels/tuning, built into the library: the Makefile makes
 * the table from the files. */
#ifndef SHEAF_KERNELS_RECORDS_H
#define SHEAF_KERNELS_RECORDS_H

struct tuning_record {
    const char *name;         /* of its file */
    const char *const *lines; /* ended by NULL */
};

/* Ended by a record without a name. */
extern const struct tuning_record tuning_records[];

#endif
