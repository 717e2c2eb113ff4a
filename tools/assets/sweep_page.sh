#!/bin/sh
# Prints C tables (tools/sweep/out.h) of the page that draws a sweep: its lines before and
# after the line `@data`.
#
# usage: tools/assets/sweep_page.sh FILE
set -eu

# Question marks are quoted for trigraphs.
echo '#include "tools/sweep/out.h"'
echo '#include <stddef.h>'
echo 'const char *const sweep_page_head[] = {'
sed -e 's/[\\"?]/\\&/g' -e 's/.*/"&",/' -e 's/^"@data",$/NULL};\nconst char *const sweep_page_tail[] = {/' "$1"
echo 'NULL};'
