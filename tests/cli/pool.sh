#!/bin/sh
# Workers from outside: the same record however many there are, processes or MPI ranks, and
# whatever is killed on the way. What needs mpirun is left out where there is none.
#
# usage: SHEAF=build/sheaf tests/cli/pool.sh
set -u

. "$(dirname "$0")/lib.sh"

# Eight units of work, so that the later ones go on from the results of earlier ones.
small='height=4,batch=32,rounds=8'
evals=1600
mpi=
if [ -x "$sheaf-mpi" ] && command -v mpirun >/dev/null; then
    mpi=yes
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# What the MPI library never frees is not our concern.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"

# of_size NAME ARGUMENT...: the search that all of this is about, into NAME.tune.
of_size() {
    name=$1
    shift
    expect 0 "^searched  *$evals of $evals schedules" search tree_hash --set "$small" --evals "$evals" --seed 3 \
        -o "$name.tune" "$@"
}

# ranks N NAME: the same on N ranks.
ranks() {
    mpirun -n "$1" --oversubscribe "$sheaf-mpi" search tree_hash --set "$small" --evals "$evals" --seed 3 \
        -o "$2.tune" --json >out 2>err </dev/null
}

# --- however many ------------------------------------------------------------

of_size one -j 1 --log one.csv
is 'nothing but the record is left' "$(ls one*)" "$(printf 'one.csv\none.tune')"
for jobs in 2 7; do
    of_size "j$jobs" -j "$jobs"
    is "$jobs workers" "$(cat "j$jobs.tune")" "$(cat one.tune)"
done
is 'the log' "$(head -n 1 one.csv)" 'seconds,evaluations,evaluations_per_second,cycles,bound,workers,lost'
is 'its end' "$(tail -n 1 one.csv | cut -d , -f 2,4)" "$evals,$(sed -n 's/^cycles //p' one.tune)"
expect 2 'nowhere/log.csv: No such file' search tree_hash --set "$small" --evals 8 --log nowhere/log.csv
if [ -n "$mpi" ]; then
    for n in 1 4; do
        ranks "$n" "m$n"
        is "$n ranks: status" "$?" 0
        is "$n ranks" "$(cat "m$n.tune")" "$(cat one.tune)"
    done
    is 'ranks, in JSON' "$(json 'o["workers"], o["evaluations"], o["messages"] >= 16')" "(3, $evals, True)"
    mpirun -n 3 --oversubscribe "$sheaf-mpi" search tree_hash --evals 0 >out 2>err </dev/null
    is 'an error on ranks: status' "$?" 2
    is 'an error on ranks is said once' "$(grep -c '^sheaf: ' err)" 1
    mpirun -n 3 --oversubscribe "$sheaf-mpi" sweep tree_hash:packed --set "$small" --grid load=1:4 \
        -o ranks.csv >out 2>err </dev/null
    expect 0 . sweep tree_hash:packed --set "$small" --grid load=1:4 -o local.csv
    is 'a sweep on ranks' "$(sed 's/,[^,]*,""$//' ranks.csv)" "$(sed 's/,[^,]*,""$//' local.csv)"
fi

# --- killed ------------------------------------------------------------------

# wait_for TRIAL PROCESS: a moment after it has children, another one for each trial.
wait_for() {
    in_time 60 has_children "$2"
    sleep "$(awk -v n="$1" 'BEGIN { srand(n); print 0.02 + 0.4 * rand() }')"
}

search_beside() {
    "$sheaf" search tree_hash --set "$small" --evals "$evals" --seed 3 -j 2 -o "$1.tune" --json >out 2>err </dev/null &
}

lost=0
for trial in 1 2 3 4 5 6 7; do
    search_beside "w$trial"
    job=$!
    wait_for "$trial" "$job"
    # shellcheck disable=SC2046
    set -- $(children "$job")
    [ $# -eq 0 ] || kill -s KILL "$1" 2>kill.err
    wait "$job" 2>wait.err
    is "a worker killed, $trial: status" "$?" 0
    is "a worker killed, $trial" "$(cat "w$trial.tune")" "$(cat one.tune)"
    lost=$((lost + $(json 'o["lost"]')))
done
is 'workers were lost' "$((lost > 0))" 1

unfinished=0
for trial in 11 12 13 14 15 16 17; do
    search_beside "k$trial"
    job=$!
    wait_for "$trial" "$job"
    workers=$(children "$job")
    kill -s KILL "$job" 2>kill.err
    wait "$job" 2>wait.err
    [ ! -e "k$trial.tune.part" ] || unfinished=$((unfinished + 1))
    of_size "k$trial" -j 2
    is "the job killed, $trial" "$(cat "k$trial.tune")" "$(cat one.tune)"
    # shellcheck disable=SC2086
    in_time 60 ended $workers || fail "the job killed, $trial: a worker lives on"
done
is 'jobs were killed at work' "$((unfinished > 0))" 1

# The job ends with a rank. Of a rank that dies early, mpirun itself may never know.
for trial in ${mpi:+21 22 23 24 25 26}; do
    ranks 3 "r$trial" &
    job=$!
    in_time 60 has_children "$job"
    mpirun=$(children "$job")
    mpirun=${mpirun% }
    wait_for "$trial" "$mpirun"
    ranks=$(children "$mpirun")
    kill -s KILL "${ranks%% *}" 2>kill.err
    # shellcheck disable=SC2086
    in_time 60 ended $ranks || fail "a rank killed, $trial: another lives on"
    in_time 10 ended "$mpirun" || kill -s KILL "$mpirun"
    wait "$job" 2>wait.err
    of_size "r$trial" -j 2
    is "a rank killed, $trial" "$(cat "r$trial.tune")" "$(cat one.tune)"
done

# --- what is left of it --------------------------------------------------------

search_beside p
sleep 0.3
kill -s KILL $!
wait $! 2>wait.err
if [ -e p.tune.part ]; then
    cp p.tune.part whole.part
    sed '$d' whole.part >p.tune.part
    expect 2 'p.tune.part: damaged' search tree_hash --set "$small" --evals "$evals" --seed 3 -o p.tune
    sed '4s/merged [0-9]*/merged 99/' whole.part >p.tune.part
    expect 2 'p.tune.part: damaged' search tree_hash --set "$small" --evals "$evals" --seed 3 -o p.tune
    # That of another search is not in the way.
    cp whole.part p.tune.part
    expect 0 '^searched  *50 of 50' search tree_hash --set "$small" --evals 50 --seed 4 -o p.tune
fi

finish
