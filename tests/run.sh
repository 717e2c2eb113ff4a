#!/bin/sh
# Runs test suites side by side and adds up what they report; tests/parallel.py says how.
# The list of suites is below. A suite is a command that ends in a line
# `N passed, N failed`, or a cmocka program.
#
# usage: tests/run.sh [-j N] [BUILD [SUITE...]]
#   BUILD   what was built with `make programs` (default build)
#   SUITE   see `suite` below; every one by default
#   -j N    how many at a time (default JOBS of the environment, or the processors there are)
set -u
cd "$(dirname "$0")/.." || exit 2

jobs=${JOBS:-$(nproc)}
while getopts j: option; do
    case $option in
    j) jobs=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
build=${1:-build}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- all

# The suites that compile do so as the build did.
if ! [ -e "$build/config" ]; then
    echo "tests/run.sh: $build holds no build; make programs BUILD=$build" >&2
    exit 2
fi
set -a
. "$build/config"
BUILD=$build
ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=1}
UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
SHEAF=$build/sheaf
set +a

# run NAME COMMAND...
run() {
    printf '%s\0' "$#" "$@"
}

# once NAME COMMAND...: counts as one test, whatever the command counts.
once() {
    name=$1
    shift
    run "$name" sh -c '"$@" && echo "1 passed, 0 failed"' sh "$@"
}

# Of a suite that is tests/NAME.py, tests/NAME.sh or tests/NAME/run.py the name is enough.
# What takes long comes first, so that nothing long is left for the end.
# Under the sanitizers: what is not about memory, and what starts a process for each of thousands of
# checks, is left out, and fuzzers try fewer cases. What runs the command on large programs is in `all`.
sanitized='cli_run cli_files fuzz python traces dap unit judge serve embed golden conform'
everything='html table optimize cli docs fuzz explain python traces dap unit judge serve terminal install embed golden manual layers lint conform runner'

few=1
suite() {
    case $1 in
    all) for each in $everything; do suite "$each"; done ;;
    sanitized)
        few=4
        for each in $sanitized; do suite "$(echo "$each" | tr _ ' ')"; done
        ;;
    cli) for each in pool search sweep run files; do suite "cli $each"; done ;;
    cli\ *) run "$1" "tests/cli/${1#cli }.sh" ;;
    fuzz)
        once 'fuzz, step against the others' "$build/fuzz/differential" --cases $((50000 / few))
        once 'fuzz, optimize' "$build/fuzz/optimize" --cases $((4000 / few))
        once 'fuzz, kernels built' "$build/fuzz/random_ir" --cases $((300 / few))
        once 'fuzz, machines' "$build/fuzz/machines" --cases $((40 / few))
        once 'fuzz, mutants of tree_hash' "$build/fuzz/mutants" --mutants 60 --inputs 400 --judgements 2
        once 'fuzz, mutants of moe_sort' "$build/fuzz/mutants" --kernel moe_sort:fused --mutants 80 --inputs 400 --judgements 2 --accepted 5
        once 'fuzz, mutants of pq_index' "$build/fuzz/mutants" --kernel pq_index:fused --mutants 8 --inputs 100 --judgements 1
        once 'fuzz, programs read' "$build/fuzz/fuzz_loader" tests/fuzz/corpus/loader 20000
        ;;
    traces)
        run traces tests/traces/check.py "$build"
        run 'traces, samples' tests/traces/samples.sh "$build"
        run 'traces, errors' tests/traces/errors.sh
        ;;
    unit)
        for source in tests/unit/test_*.c; do
            program=${source##*/}
            suite "${program%.c}"
        done
        ;;
    test_*) run "$1" "$build/tests/$1" ;;
    conform)
        for engine in step fast batch; do
            run "conform $engine" "$build/sheaf" conform --simulator "$engine" tests/data/machine.jsonl
        done
        ;;
    *)
        for script in "tests/$1.py" "tests/$1.sh" "tests/$1/run.py"; do
            ! [ -e "$script" ] || { run "$1" "$script" "$build"; return; }
        done
        run "$1" sh -c 'echo "no such suite"; exit 2'
        ;;
    esac
}

for each in "$@"; do
    suite "$each"
done | exec tests/parallel.py "$jobs"
