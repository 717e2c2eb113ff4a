#!/bin/sh
# The operation reference in sim/README.md is what the generator prints, no more
# and no less. With --bless it is rewritten.
#
# usage: tests/manual.sh BUILD [--bless]
set -eu

build=${1:?usage: tests/manual.sh BUILD [--bless]}
manual=sim/README.md
begin='<!-- operations: written by make manual -->'
end='<!-- end of operations -->'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$build/manual" >"$work/reference"
for marker in "$begin" "$end"; do
    if [ "$(grep -cxF "$marker" $manual)" -ne 1 ]; then
        echo "$manual: expected one line '$marker'"
        echo '0 passed, 1 failed'
        exit 1
    fi
done
awk -v begin="$begin" -v end="$end" -v reference="$work/reference" '
$0 == end { inside = 0 }
!inside { print }
$0 == begin { inside = 1; while ((getline line < reference) > 0) print line }
' $manual >"$work/whole"

if [ "${2:-}" = --bless ]; then
    cmp -s "$work/whole" $manual || cp "$work/whole" $manual
elif diff -u $manual "$work/whole"; then
    echo '1 passed, 0 failed'
else
    echo "$manual is not what the operation table says; make manual rewrites it"
    echo '0 passed, 1 failed'
    exit 1
fi
