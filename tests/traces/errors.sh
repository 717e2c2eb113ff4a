#!/bin/sh
# The trace command from outside: what it refuses, and what it leaves when something fails.
#
# usage: SHEAF=build/sheaf tests/traces/errors.sh
set -u

. "$(dirname "$0")/../cli/lib.sh"

small='height=4,batch=32,rounds=8'
loop='[{"load": [["const",0,1]]}, {"alu": [["+",1,1,0]], "flow": [["jump",1]]}]'
divides='[{"load": [["const",0,1]]}, {"alu": [["+",1,0,0]]}, {"alu": [["//",2,1,9]]}, {"alu": [["+",3,0,0]]}]'

# --- what is asked for -------------------------------------------------------

expect 2 'expected PROGRAM' trace -o t.json
expect 2 'expected -o FILE' trace tree_hash:scalar --set "$small"
expect 2 'ending in .json, .pftrace' trace tree_hash:scalar --set "$small" -o t.txt
expect 2 'ending in .json, .pftrace' trace tree_hash:scalar --set "$small" -o -
expect 2 'format csv: expected chrome, perfetto' trace tree_hash:scalar --set "$small" -o t.json --format csv
expect 2 'cycles 5:5: expected A:B' trace tree_hash:scalar --set "$small" -o t.json --cycles 5:5
expect 2 'cycles 7:3: expected A:B' trace tree_hash:scalar --set "$small" -o t.json --cycles 7:3
expect 2 'cycles -1:3: expected A:B' trace tree_hash:scalar --set "$small" -o t.json --cycles -1:3
expect 2 'no engine `fpu`' trace tree_hash:scalar --set "$small" -o t.json --engines alu,fpu
expect 2 'no engine `debug`' trace tree_hash:scalar --set "$small" -o t.json --engines debug
expect 2 'no engine ``' trace tree_hash:scalar --set "$small" -o t.json --engines alu,
expect 2 'no such\|No such' trace nowhere.json -o t.json
is 'nothing is written' "$(ls t.* 2>/dev/null)" ''

# --- one event a line --------------------------------------------------------

program "$divides"
expect 0 '"ph": "X"' trace p.json -o - --format chrome --cycles 0:2
is 'a window' "$(grep -c '"ph": "X"' out)" 2
expect 0 '"ph": "X"' trace p.json -o - --format chrome --cycles 1:2
is 'its cycle' "$(json '[e["ts"] for e in o if e["ph"] == "X"]')" '[1]'
expect 0 . trace p.json -o t.any --format vcd --cycles 1:2
is 'any name' "$(sed -n '/^#/p' t.any | tr '\n' ' ')" '#1 #2 '

# --- faults: what was done until then is there, and complete -----------------

for format in chrome perfetto vcd; do
    expect 3 'divide_by_zero: core 0, cycle 2, bundle 2' trace p.json -o "t.$format" --format "$format"
    expect 0 . trace p.json -o "whole.$format" --format "$format" --cycles 0:2
    is "until the fault, $format" "$(cksum <"t.$format")" "$(cksum <"whole.$format")"
done
expect 3 'divide_by_zero' trace p.json -o t.json --cycles 1000:
is 'a window behind the fault' "$(python3 -S -c 'import json; print({e["ph"] for e in json.load(open("t.json"))})')" "{'M'}"
expect 3 'cycle_limit' trace p.json -o t.json --cycle-limit 1

# --- endless loops end, unless they are asked for -----------------------------

program "$loop"
expect 2 'ends after 1000000 cycles, the program goes on' trace p.json -o /dev/null --format vcd --engines load
expect 0 . trace p.json -o /dev/null --format vcd --cycles :1000100
expect 0 . trace p.json -o t.json --cycles 50000000:50000002
is 'far away' "$(grep -c '"ts": 5000000[01]' t.json)" 4

# --- output that fails ---------------------------------------------------------

for format in chrome perfetto vcd; do
    expect 2 '/dev/full: No space left' trace p.json -o /dev/full --format "$format" --cycles 0:1000
    # This would be terabytes: the first failure has to end it.
    expect 2 '/dev/full: No space left' trace p.json -o /dev/full --format "$format" --cycles 0:3000000000
done
expect 2 'No such file' trace p.json -o nowhere/t.json
expect 2 'Is a directory' trace p.json -o . --format vcd
expect 2 'Is a directory' trace p.json -o /proc --format vcd

finish
