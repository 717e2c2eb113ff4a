#!/bin/sh
# What `make install` puts in place can be used from there: a program built with
# pkg-config's flags alone, the command, the manual page, the completion. After
# uninstall no file is left.
#
# usage: tests/install.sh BUILD
set -u

BUILD=${1:?usage: tests/install.sh BUILD}
export BUILD MAKEFLAGS=
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
export PREFIX=/usr DESTDIR="$root"
passed=0
failed=0

# check NAME COMMAND...: the command has to succeed.
check() {
    name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'failed: %s\n' "$name"
        cat "$work/log"
    fi
}

pkg() {
    PKG_CONFIG_PATH=$root/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 \
        PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 pkg-config "$@" sheaf
}

# builds PROGRAM: as PROGRAM.shared, and as PROGRAM.static while there is no shared library.
# shellcheck disable=SC2046,SC2086
builds() {
    $CC $CFLAGS -std=c11 -Wall -Wextra -Wpedantic -Werror $(pkg --cflags) -o "$work/$1.shared" "tests/embed/$1.c" \
        $LDFLAGS $(pkg --libs) || return 1
    mv "$root/usr/lib/libsheaf.so" "$work"
    $CC $CFLAGS -std=c11 $(pkg --cflags) -o "$work/$1.static" "tests/embed/$1.c" $LDFLAGS $(pkg --static --libs)
    status=$?
    mv "$work/libsheaf.so" "$root/usr/lib"
    return $status
}

runs() {
    "$@" >"$work/out" && diff -u tests/embed/expected.txt "$work/out"
}

runs_kernel() {
    "$@" >"$work/out" && grep -qx 'z\[255\]     1276' "$work/out"
}

completes() {
    bash -c '
        source "$1/usr/share/bash-completion/completions/sheaf"
        complete_as() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _sheaf; }
        complete_as "$1/usr/bin/sheaf" conf; [ "${COMPREPLY[*]}" = conform ] || { echo "conf: ${COMPREPLY[*]}"; exit 1; }
        complete_as "$1/usr/bin/sheaf" run --sim; [ "${COMPREPLY[*]}" = --simulator ] || { echo "--sim: ${COMPREPLY[*]}"; exit 1; }
    ' bash "$root"
}

manual_page_is_whole() {
    for word in NAME SYNOPSIS COMMANDS 'EXIT STATUS' conform '\-\-engine'; do
        grep -qF -e "$word" "$root/usr/share/man/man1/sheaf.1" || { echo "no $word"; return 1; }
    done
}

check 'make install' make install
check 'build with pkg-config' builds embed
check 'run, shared' runs env LD_LIBRARY_PATH="$root/usr/lib" "$work/embed.shared"
check 'run, static' runs "$work/embed.static"
check 'build a kernel with pkg-config' builds kernel
check 'run a kernel, shared' runs_kernel env LD_LIBRARY_PATH="$root/usr/lib" "$work/kernel.shared"
check 'run a kernel, static' runs_kernel "$work/kernel.static"
check 'the command' "$root/usr/bin/sheaf" --help
check 'completion' completes
check 'manual page' manual_page_is_whole
check 'make uninstall' make uninstall
check 'nothing is left' test -z "$(find "$root" ! -type d)"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
