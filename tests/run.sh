#!/bin/sh
# Runs test suites one after the other and adds up what they report. A suite is a
# command that ends in a line `N passed, N failed`, or a cmocka program. One that
# cannot be started, that fails without counting a failure, or that counts
# nothing at all, is itself a failure.
#
# usage: tests/run.sh BUILD SUITE...    (see `suite` below; `all` is every one)
set -u

build=${1:?usage: tests/run.sh BUILD SUITE...}
shift
passed=0
failed=0
bad=
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# run NAME COMMAND...
run() {
    name=$1
    shift
    printf '== %s\n' "$name"
    "$@" >"$log" 2>&1
    status=$?
    # The last count wins: cmocka's closings, or the suite's own line.
    counts=$(sed -n \
        -e 's/^\[  PASSED  \] \([0-9]*\) test.*/p \1/p' \
        -e 's/^\[  FAILED  \] \([0-9]*\) test.*/f \1/p' \
        -e 's/^\([0-9]*\) passed, \([0-9]*\) failed$/p \1\nf \2/p' "$log")
    p=$(printf '%s\n' "$counts" | sed -n 's/^p //p' | tail -n 1)
    f=$(printf '%s\n' "$counts" | sed -n 's/^f //p' | tail -n 1)
    p=${p:-0}
    f=${f:-0}
    if [ "$f" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$p" -eq 0 ]; }; then
        f=1
    fi
    if [ "$f" -ne 0 ]; then
        cat "$log"
        printf '== %s failed (exit status %d)\n' "$name" "$status"
        bad="$bad $name"
    else
        printf '   %d passed\n' "$p"
    fi
    passed=$((passed + p))
    failed=$((failed + f))
}

# once NAME COMMAND...: counts as one test, whatever the command counts.
once() {
    name=$1
    shift
    run "$name" sh -c '"$@" && echo "1 passed, 0 failed"' sh "$@"
}

suite() {
    case $1 in
    unit)
        for source in tests/unit/test_*.c; do
            program=${source##*/}
            run "unit ${program%.c}" "$build/tests/${program%.c}"
        done
        ;;
    conform)
        for engine in step fast batch; do
            run "conform $engine" "$build/sheaf" conform --engine "$engine" tests/data/machine.jsonl
        done
        ;;
    fuzz)
        once 'fuzz, step against the others' "$build/fuzz/differential" --cases 50000
        once 'fuzz, kernels built' "$build/fuzz/random_ir" --cases 300
        once 'fuzz, machines' "$build/fuzz/machines" --cases 40
        once 'fuzz, mutants of tree_hash' "$build/fuzz/mutants" --mutants 60 --inputs 400 --judgements 2
        once 'fuzz, mutants of moe_sort' "$build/fuzz/mutants" --kernel moe_sort:fused --mutants 80 --inputs 400 --judgements 2 --accepted 5
        once 'fuzz, mutants of pq_index' "$build/fuzz/mutants" --kernel pq_index:fused --mutants 8 --inputs 100 --judgements 1
        once 'fuzz, programs read' "$build/fuzz/fuzz_loader" tests/fuzz/corpus/loader 20000
        ;;
    manual | layers | install | embed) run "$1" "tests/$1.sh" "$build" ;;
    cli)
        run cli env "SHEAF=$build/sheaf" tests/cli/run.sh
        run 'cli files' env "SHEAF=$build/sheaf" tests/cli/files.sh
        run 'cli search' env "SHEAF=$build/sheaf" tests/cli/search.sh
        run 'cli crew' env "SHEAF=$build/sheaf" tests/cli/crew.sh
        run 'cli sweep' env "SHEAF=$build/sheaf" tests/cli/sweep.sh
        ;;
    traces)
        run traces tests/traces/check.py "$build"
        run 'traces, samples' tests/traces/samples.sh "$build"
        run 'traces, errors' env "SHEAF=$build/sheaf" tests/traces/errors.sh
        ;;
    html) run html tests/html/run.py "$build" ;;
    python | dap) run "$1" "tests/$1/run.py" "$build" ;;
    docs | golden | explain | judge | serve | table | terminal) run "$1" "tests/$1.py" "$build" ;;
    all)
        for each in unit conform golden cli dap explain judge serve terminal fuzz manual table layers docs embed install traces html python; do
            suite "$each"
        done
        ;;
    *) run "$1" false ;;
    esac
}

for each in "$@"; do
    suite "$each"
done
[ -z "$bad" ] || printf 'failed:%s\n' "$bad"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
