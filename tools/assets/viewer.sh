#!/bin/sh
# Prints a C table (traces/html/html_page.h) of the page that shows a run: viewer.html, where
# a line `@FILE` stands for the files that match FILE, and `@data` for the data.
#
# usage: tools/assets/viewer.sh FOLDER
set -eu
cd "$1"

page() {
    while IFS= read -r line; do
        case $line in
        @data) echo "$line" ;;
        @*) cat ${line#@} ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <viewer.html
}

# Question marks are quoted for trigraphs.
echo '#include "traces/html/html_page.h"'
echo '#include <stddef.h>'
echo 'const char *const html_page_head[] = {'
page | sed -e 's/[\\"?]/\\&/g' -e 's/.*/"&",/' -e 's/^"@data",$/NULL};\nconst char *const html_page_tail[] = {/'
echo 'NULL};'
