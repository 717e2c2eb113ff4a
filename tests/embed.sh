#!/bin/sh
# The library from outside: the programs of tests/embed are compiled against the public
# headers and the shared library alone, as C and, where there is a C++ compiler, as C++;
# so are the examples on the headers' front pages. Only sheaf_ names may be exported.
#
# usage: tests/embed.sh BUILD    (from the root)
set -u

build=${1:?usage: tests/embed.sh BUILD}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# check NAME COMMAND...
check() {
    name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        echo "failed: $name"
        failed=$((failed + 1))
    fi
}

compile() { # OUT COMPILER...
    out=$1
    shift
    # LDFLAGS and CFLAGS are lists of words.
    # shellcheck disable=SC2086
    "$@" ${CFLAGS:-} -I"$work" -o "$work/$out" ${LDFLAGS:-} -L"$build" -lsheaf -Wl,-rpath,"$(cd "$build" && pwd)"
}

runs_as_expected() {
    "$work/$1" >"$work/$1.out" && diff -u tests/embed/expected.txt "$work/$1.out"
}

# The kernel's result; what it costs stands in README.md, where it is compared.
runs_kernel() {
    "$work/$1" >"$work/$1.out" && grep -qx 'z\[255\]     1276' "$work/$1.out" && grep -q '^cycles' "$work/$1.out"
}

only_public_names() {
    nm -D --defined-only "$build/libsheaf.so" | awk '$2 ~ /[A-Z]/ && $3 !~ /^sheaf_/ { print; bad = 1 } END { exit bad }'
}

# The example between "In a program of your own" and "Contract".
front_page() {
    {
        echo '#include <sheaf.h>'
        echo '#include <stdio.h>'
        echo 'int main(void) {'
        sed -n '/^ \* In a program of your own/,/^ \* Contract/s/^ \*      //p' sim/sheaf.h
        echo 'return 0; }'
    } >"$work/front.c"
    echo '[{"load": [["const", 0, 5]]}, {"alu": [["+", 1, 0, 0]]}, {"store": [["store", 2, 1]]}]' >"$work/kernel.json"
    compile front "${CC:-cc}" -std=c11 -Wall -Wextra -Werror "$work/front.c" &&
        [ "$(cd "$work" && ./front)" = '3 cycles, word 0 is 10' ]
}

builder_front_page() {
    {
        echo '#include <sheaf_builder.h>'
        echo '#include <stdio.h>'
        echo 'int main(void) {'
        sed -n '/^ \* The sum of the words/,/^ \* Contract/s/^ \*      //p' builder/api/sheaf_builder.h
        echo 'return 0; }'
    } >"$work/builder.c"
    compile builder "${CC:-cc}" -std=c11 -Wall -Wextra -Werror "$work/builder.c" &&
        "$work/builder" | grep -qx '[0-9]* cycles, the sum is 6'
}

cp sim/sheaf.h "$work"
sed 's|"sim/sheaf.h"|<sheaf.h>|' builder/api/sheaf_builder.h >"$work/sheaf_builder.h"
check 'compiles as C' compile c "${CC:-cc}" -std=c11 -Wall -Wextra -Wpedantic -Werror tests/embed/embed.c
check 'runs' runs_as_expected c
check 'a kernel compiles as C' compile kernel "${CC:-cc}" -std=c11 -Wall -Wextra -Wpedantic -Werror tests/embed/kernel.c
check 'the kernel runs' runs_kernel kernel
check 'the front page compiles and runs' front_page
check "the builder's front page compiles and runs" builder_front_page
check 'exports sheaf_ names only' only_public_names
if command -v "${CXX:-c++}" >/dev/null 2>&1; then
    check 'compiles as C++' compile cxx "${CXX:-c++}" -x c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror tests/embed/embed.c
    check 'runs as C++' runs_as_expected cxx
    check 'a kernel compiles as C++' compile kernelxx "${CXX:-c++}" -x c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror tests/embed/kernel.c
    check 'the kernel runs as C++' runs_kernel kernelxx
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
