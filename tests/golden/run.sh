#!/bin/sh
# Golden files: what the command prints for each line of `cases` (a name, then its
# arguments, run inside input/), with the exit status as the last line, is what
# expected/NAME says. --bless writes those files instead; look at the difference
# before committing it.
#
# usage: tests/golden/run.sh [--bless]      SHEAF names the command, default build/sheaf
set -u

command=$(realpath "${SHEAF:-build/sheaf}")
cd "$(dirname "$0")" || exit 2
bless=
[ "${1:-}" != --bless ] || bless=yes
passed=0
failed=0
got=$(mktemp)
trap 'rm -f "$got"' EXIT

while read -r name arguments; do
    # shellcheck disable=SC2086 # the arguments are words
    (cd input && "$command" $arguments </dev/null >"$got" 2>&1; echo "exit status $?" >>"$got")
    if [ -n "$bless" ]; then
        cp "$got" "expected/$name"
    fi
    if diff -u "expected/$name" "$got"; then
        passed=$((passed + 1))
    else
        echo "golden: $name ($arguments) differs"
        failed=$((failed + 1))
    fi
done <cases

for file in expected/*; do
    grep -q "^${file#expected/} " cases || {
        echo "golden: $file has no case"
        failed=$((failed + 1))
    }
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
