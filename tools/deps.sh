#!/bin/sh
# Installs what is missing for the groups of needs that are named, through the
# Debian package manager where that is allowed; otherwise says what to install.
# When nothing is missing it only looks, in a few milliseconds.
#
# usage: tools/deps.sh GROUP...
#   build   compiler, libc and the libraries sheaf stands on
#   test    what the tests use besides
#   mpi     for search and sweep on several machines
#   fuzz    clang with its fuzzing runtime
#   check   clang-tidy and clang-format
set -eu

CC=${CC:-gcc}
missing=

need() {
    case " $missing " in
    *" $1 "*) ;;
    *) missing="$missing $1" ;;
    esac
}

# need_program PROGRAM PACKAGE
need_program() {
    command -v "$1" >/dev/null 2>&1 || need "$2"
}

# need_header HEADER PACKAGE: as the compiler finds it, or where Debian puts it
# while there is no compiler yet.
need_header() {
    if command -v "${CC%% *}" >/dev/null 2>&1; then
        printf '%s\n' '#include <stdarg.h>' '#include <stddef.h>' '#include <setjmp.h>' '#include <stdint.h>' \
            "#include <$1>" | $CC -E -x c - >/dev/null 2>&1 || need "$2"
    else
        [ -e "/usr/include/$1" ] || need "$2"
    fi
}

need_compiler() {
    case ${1##*/} in
    gcc | cc) need_program "$1" gcc ;;
    clang*) need_program "$1" "${1##*/}" ;;
    *) command -v "$1" >/dev/null 2>&1 || { echo "deps: the compiler $1 (CC) is not installed" >&2; exit 1; } ;;
    esac
}

look() {
    missing=
    for group in "$@"; do
        case $group in
        build)
            need_compiler "${CC%% *}"
            need_program ar binutils
            need_header stdio.h libc6-dev
            need_header jansson.h libjansson-dev
            need_header uthash.h uthash-dev
            ;;
        test)
            need_header cmocka.h libcmocka-dev
            need_program python3 python3
            [ -d /usr/lib/python3/dist-packages/pip ] || need python3-pip
            need_program pkg-config pkg-config
            need_program vcd2fst gtkwave
            need_program protoc protobuf-compiler
            need_program chromium chromium
            need_program chromedriver chromium-driver
            [ -d /usr/lib/python3/dist-packages/selenium ] || need python3-selenium
            ;;
        mpi)
            need_program mpicc libopenmpi-dev
            need_program mpirun openmpi-bin
            ;;
        fuzz)
            need_program clang clang
            [ -n "$(find /usr/lib/llvm-*/lib /usr/lib/clang -name 'libclang_rt.fuzzer-*.a' 2>/dev/null | head -n 1)" ] ||
                need libclang-rt-14-dev
            ;;
        check)
            need_program clang-tidy clang-tidy
            need_program clang-format clang-format
            ;;
        *) echo "deps: unknown group $group" >&2; exit 2 ;;
        esac
    done
}

give_up() {
    echo "deps: $1" >&2
    echo "deps: install these Debian packages (or what your system calls them):$missing" >&2
    exit 1
}

look "$@"
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null 2>&1 || give_up 'there is no apt-get here'
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || give_up 'installing needs root, and there is no sudo here'
    as_root='sudo'
    [ -t 0 ] || as_root='sudo -n'
fi

echo "deps: installing$missing"
$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q ||
    echo 'deps: apt-get update failed; trying with the package lists as they are' >&2
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing ||
    give_up 'apt-get install failed'
look "$@"
[ -z "$missing" ] || give_up 'still missing after installing'
