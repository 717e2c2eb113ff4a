#!/bin/sh
# Prints a C table (kernels/records.h) of the tuning records in the files named.
#
# usage: tools/assets/records.sh FILE...
set -eu

echo '#include "kernels/records.h"'
echo '#include <stddef.h>'
n=0
for file in "$@"; do
    echo "static const char *const lines_$n[] = {"
    sed -e 's/[\\"]/\\&/g' -e 's/.*/"&",/' "$file"
    echo 'NULL};'
    n=$((n + 1))
done
echo 'const struct tuning_record tuning_records[] = {'
n=0
for file in "$@"; do
    echo "{\"$file\", lines_$n},"
    n=$((n + 1))
done
echo '{NULL, NULL}};'
