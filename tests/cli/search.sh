#!/bin/sh
# Search and its records from outside: the same for a seed, resumed, refused, and
# whole whenever the search is ended.
#
# usage: SHEAF=build/sheaf tests/cli/search.sh
set -u

. "$(dirname "$0")/lib.sh"

small='height=4,batch=32,rounds=8'

# cycles FILE: of a record.
cycles() {
    sed -n 's/^cycles //p' "$1"
}

# --- the same for a seed, whatever the threads -------------------------------

for seed in 8 7 6 5; do
    for jobs in 1 2 4; do
        rm -f "j$jobs.tune"
        expect 0 "^searched  *200 of 200 schedules, seed $seed\$" search tree_hash --set "$small" --evals 200 \
            --seed "$seed" -j "$jobs" -o "j$jobs.tune"
    done
    is 'one thread, two and four' "$(cat j2.tune j4.tune)" "$(cat j1.tune j1.tune)"
done
expect 0 . search tree_hash --set "$small" --evals 200 --seed 6 -o other.tune
if cmp -s j1.tune other.tune; then
    fail 'another seed gives the same record'
else
    pass
fi
is 'the title' "$(sed -n 2p j1.tune)" 'for tree_hash:best values height=4, rounds=8, batch=32'

# --- what the record says is what is built -----------------------------------

found=$(cycles j1.tune)
expect 0 "^cycles  *$found\$" run tree_hash --set "$small" --record j1.tune
is 'its result' "$(grep '^result' out)" 'result     correct'
expect 0 '^result  *correct' run tree_hash --set "$small,bits=32" --record j1.tune --seed 9
expect 0 . build tree_hash --set "$small" --record j1.tune -o r.json --json
is 'build, in JSON' "$(json 'o["cycles"], 1 <= o["ratio"] < 2, o["output"], o["contract"]')" \
    "($found, True, 'r.json', 'values')"
is 'the bound' "$(json 'round(o["cycles"] / max(o["bounds"][k] for k in ("work", "dep", "live")), 4) == round(o["ratio"], 4)')" True
expect 0 "^cycles  *$found\$" run r.json --kernel tree_hash --set "$small"
expect 0 . run tree_hash --set "$small" --record j1.tune --json
is 'run, in JSON' "$(json 'o["cycles"], sorted(o["bounds"]), 1 <= o["ratio"] < 2')" "($found, ['dep', 'live', 'work'], True)"
expect 0 '^bound  *[0-9]* cycles (slot-limited); 1\.[0-9]* x bound$' run tree_hash:interleaved
expect 0 . run tree_hash:scalar --set "$small" --json
is 'no bound of what is written by hand' "$(json 'o["bounds"], o["ratio"]')" '(None, None)'

# --- going on ----------------------------------------------------------------

cp j1.tune r.tune
for seed in 11 12 13; do
    before=$(cycles r.tune)
    expect 0 . search tree_hash --set "$small" --evals 80 --seed "$seed" -o r.tune --json
    is 'search, in JSON' "$(json 'o["evaluations"], o["budget"], o["seed"], o["interrupted"], o["record"]')" \
        "(80, 80, $seed, False, 'r.tune')"
    is 'the record' "$(json 'o["cycles"]')" "$(cycles r.tune)"
    if [ "$(cycles r.tune)" -le "$before" ]; then
        pass
    else
        fail "resumed from $before cycles: worse"
    fi
done
# A worse beginning, or none, does not replace what is there.
cp r.tune kept.tune
expect 0 . search tree_hash --set "$small" --evals 4 --seed 1 --fresh -o worse.tune
expect 0 'record  *r.tune' search tree_hash --set "$small" --evals 1 --from worse.tune -o r.tune
expect 0 'record  *r.tune' search tree_hash --set "$small" --evals 1 --fresh -o r.tune
is 'the better record stays' "$(cat r.tune)" "$(cat kept.tune)"
expect 0 . search tree_hash --set "$small" --evals 1 --from r.tune -o copy.tune
is 'a beginning becomes a record' "$(cycles copy.tune)" "$(cycles r.tune)"
expect 0 '^cycles' search tree_hash --set "$small" --evals 8 --seed 3
is 'nothing is kept unasked' "$(grep -c '^record' out)" 0
is 'nothing else is left' "$(find . -name '*.new')" ''

# --- what is refused ---------------------------------------------------------

expect 2 'j1.tune:2:5: tuning record: expected tree_hash:best values height=5, rounds=8, batch=32' \
    search tree_hash --set height=5,batch=32,rounds=8 --evals 8 -o j1.tune
expect 2 'j1.tune:2:5: ' search tree_hash --set "$small" --contract indices --evals 8 -o j1.tune
expect 2 'j1.tune:2:[0-9]*: ' search tree_hash --set "$small" --machine load=3 --evals 8 -o j1.tune
expect 2 'j1.tune:2:[0-9]*: ' search tree_hash --set "$small" --machine load_latency=2 --evals 8 -o j1.tune
expect 2 'j1.tune:2:5: ' run tree_hash --record j1.tune
is 'a record of something else stays' "$(cat j1.tune)" "$(cat j2.tune)"
sed '5d' j1.tune >bad.tune
cp bad.tune as-it-was.tune
expect 2 'bad.tune:5:1: tuning record: expected picks' search tree_hash --set "$small" --evals 8 -o bad.tune
expect 2 'bad.tune:5:1: ' search tree_hash --set "$small" --evals 8 --fresh -o bad.tune
expect 2 'bad.tune:5:1: ' build tree_hash --set "$small" --record bad.tune
is 'a damaged record stays' "$(cat bad.tune)" "$(cat as-it-was.tune)"
sed '/^keys/,$d' j1.tune >few.tune
printf 'keys 1\n5\nend\n' >>few.tune
expect 2 'few.tune: the tuning is for another kernel: it has 1 keys, expected' search tree_hash --set "$small" --evals 8 -o few.tune
expect 2 'nowhere.tune: No such file' search tree_hash --set "$small" --from nowhere.tune
expect 2 'nowhere/r.tune.part: No such file' search tree_hash --set "$small" --evals 8 -o nowhere/r.tune
expect 2 'not a regular file' search tree_hash --set "$small" --evals 8 --fresh -o /dev/null
expect 2 'a record is a file' search tree_hash --set "$small" -o -
expect 2 'expected --from or --fresh' search tree_hash --set "$small" --from r.tune --fresh
expect 2 'evals 0: expected at least 1' search tree_hash --set "$small" --evals 0
expect 2 'evals x: expected a whole number' search tree_hash --set "$small" --evals x
expect 2 'tree_hash:scalar: nothing is left open to a search' search tree_hash:scalar --set "$small"
expect 2 'start=any needs the contract' search tree_hash --set "$small,start=any" --contract values
expect 2 'tree_hash:scalar leaves nothing to a record' run tree_hash:scalar --set "$small" --record j1.tune
expect 2 '--record is for' run r.json --record j1.tune
expect 2 '--json needs -o' build tree_hash --set "$small" --record j1.tune --json
# The writer's disk is full: said once, and the search ends.
if [ -e /dev/full ]; then
    expect 2 'not a regular file' search tree_hash --set "$small" --evals 8 -o /dev/full
fi

# --- dumps -------------------------------------------------------------------

for pass in ir fold graph schedule allocation program; do
    expect 0 . build tree_hash --set "$small" --record j1.tune --dump "$pass"
    is "dump $pass says something" "$(($(wc -l <out) > 20))" 1
    expect 0 . build tree_hash:packed --set "$small" --dump "$pass"
done
expect 0 '^# schedule$' build tree_hash --set "$small" --record j1.tune --dump ir,schedule -o d.s
is 'two dumps' "$(grep '^#' out | tr '\n' ' ')" '# ir # schedule '
expect 0 . build tree_hash --set "$small" --record j1.tune --dump program
cp out program.s
expect 0 "^cycles  *$found\$" run program.s --kernel tree_hash --set "$small"
is 'the program dumped is the program' "$(cat program.s)" "$(cat d.s)"
expect 2 'no pass `allocate`, expected ir, fold' build tree_hash --set "$small" --dump allocate
expect 2 'tree_hash:scalar goes through no passes' build tree_hash:scalar --set "$small" --dump ir
expect 2 'expected --json or --dump' build tree_hash --set "$small" --dump ir --json -o d.json

# --- ended at any moment -----------------------------------------------------

# The record that a search leaves is whole: what it says is built and runs. A search of
# the standard instance, so that it is ended while at work.
whole() {
    if [ -e "$1" ]; then
        expect 0 "^cycles  *$(cycles "$1")\$" run tree_hash --record "$1"
    elif [ "$2" = may-be-absent ]; then
        pass
    else
        fail "$1: there is no record"
    fi
}

for signal in INT TERM; do
    rm -f s.tune
    "$sheaf" search tree_hash --fresh -j 2 -o s.tune >out 2>err &
    in_time 60 has_children $!
    sleep 0.5
    kill -s "$signal" $!
    wait $!
    status=0 pattern='; interrupted$'
    judge $? "search ended by $signal"
    whole s.tune may-be-absent
done
rm -f k.tune
for moment in 0.05 0.3 0.6 0.9 1.1 1.3; do
    "$sheaf" search tree_hash -j 2 -o k.tune >out 2>err &
    sleep "$moment"
    kill -s KILL $!
    wait $! 2>wait.err
    whole k.tune may-be-absent
done
# Many records a second, ended between and within writes.
"$sheaf" search tree_hash --set "$small" --fresh --evals 8 -o w.tune >out 2>err
for moment in 0.01 0.013 0.017 0.02 0.025 0.03 0.035 0.04; do
    cp w.tune x.tune
    "$sheaf" search tree_hash --set "$small" --evals 1000000 -o x.tune >out 2>err &
    sleep "$moment"
    kill -s KILL $!
    wait $! 2>wait.err
    expect 0 '^result  *correct' run tree_hash --set "$small" --record x.tune
done

finish
