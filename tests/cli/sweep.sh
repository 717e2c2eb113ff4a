#!/bin/sh
# Sweeps from outside: what `run` says of each point, resumed and refused files, what does not
# fit, and what none beats, computed again.
#
# usage: SHEAF=build/sheaf tests/cli/sweep.sh
set -u

. "$(dirname "$0")/lib.sh"

small='height=4,rounds=8'

# column FILE NAME: of every point.
column() {
    python3 -S -c 'import csv, sys
print(*[row[sys.argv[2]] for row in csv.DictReader(open(sys.argv[1]))])' "$1" "$2"
}

# --- a grid ------------------------------------------------------------------

expect 0 '^points  *24 of 24, 24 in this run; 0 do not fit, 0 wrong$' sweep tree_hash:best,packed --set "$small" \
    --grid load=1:3,vlen=8,16 --set-grid batch=32:64:32 -o s.csv -o s.json -o s.html -j 3
is 'kernels' "$(column s.csv variant | tr ' ' '\n' | sort | uniq -c | tr -s ' \n' ' ')" ' 12 best 12 packed '
is 'loads' "$(column s.csv load | cut -d ' ' -f 1-6)" '1 1 1 1 2 2'
is 'all are correct' "$(column s.csv correct | tr ' ' '\n' | sort -u)" yes
# Every point is what build and run make of it.
for point in 'best 1 16 32' 'best 3 8 64' 'packed 2 8 32'; do
    # shellcheck disable=SC2086
    set -- $point
    expect 0 . run "tree_hash:$1" --effort 0 --set "$small,batch=$4" --machine "load=$2,vlen=$3" --json
    is "point $point" "$(python3 -S - "$@" <<'END'
import csv, sys
for r in csv.DictReader(open("s.csv")):
    if [r["variant"], r["load"], r["vlen"], r["batch"]] == sys.argv[1:]:
        print(r["cycles"])
END
)" "$(json 'o["cycles"]')"
done
is 'the cost' "$(python3 -S - <<'END'
import csv
print(all(abs(float(r["cost"]) - (int(r["alu"]) + int(r["vlen"]) * (int(r["valu"]) + 2 * int(r["load"]) +
    int(r["store"]) + .5 * int(r["flow"])) + .02 * int(r["scratch"]))) < 1e-3 for r in csv.DictReader(open("s.csv"))))
END
)" True
expect 0 . sweep tree_hash:packed --set "$small" --grid flow=1:2 --cost flow=100,word=0,alu=0,valu=0,load=0,store=0 --json
is 'the cost, chosen' "$(json '[p["cost"] for p in o["points"]]')" '[800, 1600]'
is 'JSON and CSV' "$(python3 -S - <<'END'
import csv, json
points = json.load(open("s.json"))["points"]
rows = list(csv.DictReader(open("s.csv")))
print(len(points) == len(rows) and all(str(p[c]) == r[c] for p, r in zip(points, rows)
                                       for c in ("kernel", "variant", "batch", "load", "vlen", "cycles", "bound") if p[c] is not None))
END
)" True
is 'what none beats' "$(python3 -S - <<'END'
import json
data = json.load(open("s.json"))
points, front = data["points"], set(data["pareto"])
problem = lambda p: (p["kernel"], p["contract"], p["batch"])
def beaten(p):
    return any(problem(q) == problem(p) and q["cost"] <= p["cost"] and q["cycles"] <= p["cycles"] and
               (q["cost"], q["cycles"]) != (p["cost"], p["cycles"]) for q in points)
kept = {(problem(points[i]), points[i]["cost"], points[i]["cycles"]) for i in front}
print(kept == {(problem(p), p["cost"], p["cycles"]) for p in points if not beaten(p)}, len(front) >= 4)
END
)" 'True True'
is 'the page needs nothing else' "$(grep -c -e 'src=' -e 'href=' -e 'import ' s.html)" 0
is 'the page has the data' "$(python3 -S - <<'END'
import json, re
text = open("s.html").read()
print(json.loads(re.search(r"<script type='application/json' id='data'>\n(.*?)</script>", text, re.S).group(1)) == json.load(open("s.json")))
END
)" True

# --- the same however many, and resumed ----------------------------------------

without_time() {
    sed 's/,[0-9.]*,\("[^"]*"\)$/,\1/' "$1"
}
sweep_small() {
    expect 0 . sweep tree_hash:best,packed --set "$small" --grid load=1:3,vlen=8,16 --set-grid batch=32:64:32 "$@"
}
sweep_small -o one.csv -j 1
is 'one worker and three' "$(without_time one.csv)" "$(without_time s.csv)"
cp one.csv part.csv
sed -i '5,14d' part.csv
sweep_small -o part.csv
is 'only what was missing' "$(grep -c '^points  *24 of 24, 10 in this run' out)" 1
is 'the same file' "$(without_time part.csv)" "$(without_time one.csv)"
is 'the rest as it was' "$(sed -n '15,25p' part.csv)" "$(sed -n '15,25p' one.csv)"
for moment in 0.05 0.1 0.2 0.4; do
    "$sheaf" sweep tree_hash:best,packed --set "$small" --grid load=1:3,vlen=8,16 --set-grid batch=32:64:32 \
        -o "k$moment.csv" -j 2 >out 2>err </dev/null &
    sleep "$moment"
    kill -s KILL $! 2>kill.err
    wait $! 2>wait.err
    sweep_small -o "k$moment.csv"
    is "killed after $moment s" "$(without_time "k$moment.csv")" "$(without_time one.csv)"
done
expect 0 '^points  *7 of 7' sweep tree_hash:packed --set "$small" --grid load=1:8,vlen=1:8,flow=1:8 --sample 7 --seed 5 -o a.csv
expect 0 . sweep tree_hash:packed --set "$small" --grid load=1:8,vlen=1:8,flow=1:8 --sample 7 --seed 5 -o b.csv
is 'a sample' "$(without_time a.csv)" "$(without_time b.csv)"
is 'of different points' "$(tail -n +2 a.csv | sort -u | wc -l)" 7
expect 0 '^points  *4 of 4' sweep tree_hash:packed --set "$small" --contract values,indices --set-grid start=zero,any
expect 0 '^points  *2 of 2' sweep tree_hash:scalar tree_hash:packed --set "$small"

# --- what does not fit -----------------------------------------------------------

expect 0 '^points  *4 of 4, 4 in this run; 3 do not fit' sweep tree_hash:best --set "$small" --grid load=0:1,scratch=64,1536 -o f.csv
is 'reasons' "$(grep -c 'of which the machine has no slots' f.csv)" 2
expect 0 . sweep tree_hash:best --set "$small" --grid vlen=0,65,8 --json
is 'machines that cannot be' "$(json '[p["reason"] for p in o["points"]]')" \
    "['vlen: expected 1 to 64', 'vlen: expected 1 to 64', None]"

# --- what is refused -------------------------------------------------------------

refuse() {
    pattern=$1
    shift
    expect 2 "$pattern" sweep tree_hash:packed --set "$small" "$@"
}
refuse 'no parameter `lode`' --grid lode=1:2
refuse 'expected NAME=VALUES' --grid 3
refuse 'expected a value, LOW:HIGH' --grid load=3:1
refuse 'expected a value, LOW:HIGH' --grid load=1:2:0
refuse 'expected a value, LOW:HIGH' --grid load=1:99999999
refuse 'expected a value, LOW:HIGH' --grid load=
refuse 'load is there twice' --grid load=1,load=2
refuse 'tree_hash has no parameter `size`' --set-grid size=1
refuse 'batch=x' --set-grid batch=x
refuse 'a sweep of more than' --grid load=1:64,store=1:64,flow=1:64
refuse 'expected alu, valu' --cost lanes=1
refuse 'expected alu, valu' --cost alu=-1
refuse 'has no contract `all`' --contract all
refuse 'expected a .csv' -o sweep.txt
refuse 'nowhere/s.csv: No such file' -o nowhere/s.csv
refuse 's.csv:2: not a point of this sweep' --grid load=1:3,vlen=8,16 --set-grid batch=32:64:32 -o s.csv
sed '3s/yes/maybe/' s.csv >bad.csv
expect 2 'bad.csv:3: not a point' sweep tree_hash:best,packed --set "$small" --grid load=1:3,vlen=8,16 --set-grid batch=32:64:32 -o bad.csv
sed '1s/cost/price/' s.csv >bad.csv
expect 2 'bad.csv:1: the columns of another sweep' sweep tree_hash:best,packed --set "$small" --grid load=1:3,vlen=8,16 --set-grid batch=32:64:32 -o bad.csv

finish
