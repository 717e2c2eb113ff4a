#!/bin/sh
# Runs clang-tidy over one file, unless it found the same text clean before: preprocessed, with
# the same rules, flags and version. What it has found clean is noted in the folder CLEAN.
#
# usage: tools/lint.sh CLEAN FILE FLAG...
set -u

clean=${1:?usage: tools/lint.sh CLEAN FILE FLAG...}
file=${2:?}
shift 2

text=$({
    cat .clang-tidy
    clang-tidy --version
    echo "$@"
    ${CC:-cc} "$@" -E -C -dD "$file"
} 2>&1 | sha256sum | cut -d ' ' -f 1)
[ ! -e "$clean/$text" ] || exit 0
if ! found=$(clang-tidy --quiet "$file" -- "$@" 2>&1); then
    printf '%s\n' "$found"
    exit 1
fi
mkdir -p "$clean"
: >"$clean/$text"
