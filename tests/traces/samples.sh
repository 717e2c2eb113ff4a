#!/bin/sh
# The sample traces are what `make samples` makes now, small, and in their README.
#
# usage: tests/traces/samples.sh BUILD
set -u

build=${1:?usage: tests/traces/samples.sh BUILD}
samples=traces/samples
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# check TEXT COMMAND...
check() {
    what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
    fi
}

check 'make.sh' "$samples/make.sh" "$build/sheaf" "$work"
for file in "$work"/*; do
    name=${file##*/}
    check "$name is another now (make samples)" cmp "$file" "$samples/$name"
    check "$name has more than 200,000 bytes" [ "$(wc -c <"$file")" -le 200000 ]
    check "$name is not in the README" grep -q "\`$name\`" "$samples/README.md"
done
check 'files that make.sh does not make' [ "$(cd "$samples" && ls)" = "$(cd "$work" && touch README.md make.sh && ls)" ]
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
