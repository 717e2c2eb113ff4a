#!/bin/sh
# What is derived from the operation table and kept as text, the operation reference in
# sim/README.md and the list of operators in the builder's public header, is what the
# generator prints, no more and no less. With --bless it is rewritten.
#
# usage: tests/manual.sh BUILD [--bless]
set -eu

build=${1:?usage: tests/manual.sh BUILD [--bless]}
bless=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# part FILE BEGIN END ARGUMENT...: what is between the two lines is what the generator prints.
part() {
    file=$1 begin=$2 end=$3
    shift 3
    "$build/manual" "$@" >"$work/reference"
    for marker in "$begin" "$end"; do
        if [ "$(grep -cxF -e "$marker" "$file")" -ne 1 ]; then
            echo "$file: expected one line '$marker'"
            failed=$((failed + 1))
            return
        fi
    done
    awk -v begin="$begin" -v end="$end" -v reference="$work/reference" '
    $0 == end { inside = 0 }
    !inside { print }
    $0 == begin { inside = 1; while ((getline line < reference) > 0) print line }
    ' "$file" >"$work/whole"

    if [ "$bless" = --bless ]; then
        cmp -s "$work/whole" "$file" || cp "$work/whole" "$file"
    elif diff -u "$file" "$work/whole"; then
        passed=$((passed + 1))
    else
        echo "$file is not what the operation table says; make manual rewrites it"
        failed=$((failed + 1))
    fi
}

part sim/README.md '<!-- operations: written by make manual -->' '<!-- end of operations -->'
part builder/api/sheaf_builder.h ' * operators: written by make manual */' '/* end of operators */' operators
[ "$bless" = --bless ] || echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
