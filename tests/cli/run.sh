#!/bin/sh
# The command from outside: exit statuses, errors, reports, files. Of a run that
# fails, standard error has to hold exactly one error, and nothing of a signal.
#
# usage: SHEAF=build/sheaf tests/cli/run.sh
set -u

. "$(dirname "$0")/lib.sh"

# --- help and usage ----------------------------------------------------------

expect 0 '^  run  ' --help
expect 0 '^  run  ' help
for command in run kernels build judge profile diff trace debug search check conform gen asm dis; do
    expect 0 "^usage: sheaf $command" "$command" --help
done
expect 2 'expected a command'
expect 2 'no command `fly`' fly
expect 2 'run: unknown or ambiguous option --fly' run tree_hash:scalar --fly
expect 2 'run: unknown option -z' run tree_hash -z
expect 2 'run: --seed needs N' run tree_hash:scalar --seed
expect 2 'run: -o needs an argument' run tree_hash -o
expect 2 'run: --json takes no argument' run tree_hash:scalar --json=3
expect 2 'run: expected PROGRAM, found nothing' run
expect 2 'run: expected only PROGRAM' run tree_hash tree_hash
expect 2 'kernels: expected only options' kernels tree_hash
expect 2 'gen: unknown or ambiguous option --simulator' gen tree_hash --simulator step

# --- run: what is right, what is wrong ---------------------------------------

small='height=3,rounds=4,batch=8'
expect 0 '^cycles  *147734$' run tree_hash:scalar
is 'result line' "$(grep '^result' out)" 'result     correct'
is 'alu line' "$(grep '^slots' out)" 'slots      alu        118784    6.7 %'
for engine in step fast cross-check; do
    for contract in values indices full; do
        expect 0 'result  *correct' run tree_hash:scalar --set "$small" --contract "$contract" --simulator "$engine"
    done
done
expect 0 'start=any, bits=32; seed 9' run tree_hash:scalar --set start=any,bits=32 --set "$small" --seed 9
expect 0 '^contract  *full' run tree_hash:scalar --set start=any,batch=1
expect 2 'start=any needs the contract `full`' run tree_hash:scalar --set start=any --contract indices
expect 2 'tree_hash has no contract `most`, expected values, indices or full' run tree_hash:scalar --contract most
expect 2 'tree_hash has no variant `quick`, expected .*scalar' run tree_hash:quick
expect 2 'no kernel or file `bush_hash` (kernels: tree_hash' run bush_hash
expect 2 'tree_hash has no parameter `depth`' run tree_hash:scalar --set depth=3
expect 2 'height=99, expected 0 to 20' run tree_hash:scalar --set height=99
expect 2 'rounds \* batch is above' run tree_hash:scalar --set rounds=1048576,batch=1048576
expect 2 'seed 1e3: expected a whole number' run tree_hash:scalar --seed 1e3
expect 2 'seed -1: expected a whole number' run tree_hash:scalar --seed -1
expect 2 'seed 18446744073709551616: expected a whole number' run tree_hash:scalar --seed 18446744073709551616
expect 2 'simulator warp: expected step, fast or cross-check' run tree_hash:scalar --simulator warp
expect 0 '^result  *correct' run tree_hash --set "$small" --machine load_latency=3,alu_latency=2 --simulator cross-check
expect 2 'latencies of one cycle' run tree_hash:scalar --machine load_latency=2
expect 2 'latency: expected 1 to 64' run tree_hash:scalar --machine alu_latency=65
expect 0 . trace tree_hash --set "$small" --machine load_latency=2 -o late.vcd
expect 0 . debug tree_hash --set "$small" --machine load_latency=2
expect 0 '^dep ' profile tree_hash --set "$small" --machine load_latency=2
expect 2 'no parameter `wings`' run tree_hash:scalar --machine wings=2
expect 2 'expected alu=N' run tree_hash:scalar --machine alu
expect 2 'expected vlen=N' run tree_hash:scalar --machine alu=2,vlen=x
expect 2 'slots: expected at most 64' run tree_hash:scalar --machine alu=65
expect 2 'cores: expected 1 to 64' run tree_hash:scalar --cores 0
expect 2 '`k.*` needs 1 words of scratch, 0 of 20 are left' run tree_hash:scalar --scratch 20
expect 2 'only for a program from a file' run tree_hash:scalar --kernel tree_hash
expect 3 'cycle_limit: .*limit of 100 cycles reached' run tree_hash:scalar --cycle-limit 100

expect 0 . build tree_hash:scalar --set "$small" -o right.json
expect 0 . build tree_hash:scalar --set "$small" -o right.s
expect 0 'result  *correct' run right.json --kernel tree_hash --set "$small"
expect 0 'result  *correct' run right.s --kernel tree_hash --set "$small"
expect 0 'result  *correct' run right.s --kernel tree_hash --set "$small" --pause --strict
expect 0 . build moe_sort:staged --set M=1,E=32,U=16 -o stages.json
expect 0 'result  *correct' run stages.json --kernel moe_sort --set M=1,E=32,U=16
is 'its programs' "$(sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' out | tr '\n' ' ')" 'gate append clear sort '
expect 0 '^  append .* [0-9]' profile stages.json --kernel moe_sort --set M=1,E=32,U=16
sed 's/\["\^"/["+"/' right.json >wrong.json
expect 1 'result  *wrong: values\[0\] is [0-9]*, expected [0-9]*' run wrong.json --kernel tree_hash --set "$small"
expect 1 . run wrong.json --kernel tree_hash --set "$small" --json
is 'wrong, in JSON' "$(json 'o["correct"], o["faults"], o["wrong"]["array"], o["wrong"]["index"]')" \
    "(False, [], 'values', 0)"
expect 2 'expected --kernel or --mem, not both' run right.json --kernel tree_hash --mem m.bin
expect 2 '--set needs --kernel' run right.json --set height=3
expect 2 'no such\|No such' run nowhere.json

# --- run: JSON ---------------------------------------------------------------

expect 0 . run tree_hash:scalar --json
is 'keys' "$(json '[k in o for k in "kernel variant contract cycles correct faults slots utilization".split()]')" \
    '[True, True, True, True, True, True, True, True]'
is 'values' "$(json 'o["kernel"], o["variant"], o["contract"], o["cycles"], o["correct"], o["faults"]')" \
    "('tree_hash', 'scalar', 'values', 147734, True, [])"
is 'slots' "$(json 'o["slots"]')" "{'alu': 118784, 'valu': 0, 'load': 12564, 'store': 8192, 'flow': 8194}"
is 'sum' "$(json 'sum(o["slots"].values()) == o["cycles"]')" True
is 'utilization' "$(json 'all(abs(o["utilization"][e] - o["slots"][e] / n / o["cycles"]) < 1e-6
    for e, n in dict(alu=12, valu=6, load=2, store=2, flow=1).items())')" True

# --- programs from files, and what they may do wrong ------------------------

# A jump out of the program stops it; what it has executed is counted all the same.
program '[{"flow": [["jump", 2]]}, {"alu": []}, {"alu": [["+",0,0,0],["+",1,0,0]]}, {"flow": [["jump", 99]]}]'
expect 0 '^cycles  *3$' run p.json
is 'executed slots' "$(sed -n 's/.* alu *\([0-9]*\) .*/\1/p; s/.* flow *\([0-9]*\) .*/\1/p' out | tr '\n' ' ')" '2 2 '
# Three rounds of a loop, on two cores.
program '[{"load": [["const",0,3],["const",1,1]]}, {"alu": [["-",0,0,1]]}, {"flow": [["cond_jump",0,1]]}, {"flow": [["halt"]]}]'
for engine in step fast cross-check; do
    expect 0 . run p.json --cores 2 --simulator "$engine" --json
    is 'slots of a loop' "$(json 'o["cycles"], o["slots"]["load"], o["slots"]["alu"], o["slots"]["flow"]')" '(8, 4, 6, 8)'
done
# At a fault, neither the faulting core nor those behind it have executed their bundle.
program '[{"flow": [["coreid",0]]}, {"flow": [["cond_jump",0,3]]}, {"load": [["const",1,1]]}, {"load": [["load",2,0]]}]'
expect 3 'core 1, cycle 2' run p.json --cores 3 --json
is 'slots before a fault' "$(json 'o["slots"]["load"], o["slots"]["flow"]')" '(1, 6)'
program '[{"load": [["const",0,3],["const",1,1]]}, {"alu": [["-",0,0,1]]}, {"flow": [["cond_jump",0,1]]}, {"flow": [["halt"]]}]'
status=0 pattern='^cycles  *8$'
"$sheaf" run - <p.json >out 2>err
judge $? 'sheaf run -'

: >p.json
expect 2 '^sheaf: p.json:1:1: ' run p.json
expect 2 '^sheaf: p.json:1:1: ' check p.json
expect 2 '^sheaf: p.json:1:1: ' dis p.json
program '[{"alu": [["+", 4, 0'
expect 2 '^sheaf: p.json:[12]:[0-9]*: ' run p.json
program "$(printf '%0200d' 0 | tr 0 '[')"
expect 2 '^sheaf: p.json:1:[0-9]*: ' run p.json
program "[{\"debug\": [[\"comment\", $(printf '%05000d' 0 | tr 0 '[')]]}]"
expect 2 '^sheaf: p.json:1:[0-9]*: ' run p.json
program '[{"alu": [["+", "a", 0, 1]]}]'
expect 2 '^sheaf: p.json:1:17: ' run p.json
is 'the caret' "$(tail -n 1 err)" "$(printf '%18s^' '')"
program '{"alu": 3}'
expect 2 '^sheaf: p.json:1:' run p.json
program '[{"alu": [["+", 1.5, 0, 1]]}]'
expect 2 'not whole' run p.json
program '[{"alu": [["+", 99999999999999999999999999, 0, 1]]}]'
expect 2 '^sheaf: p.json:1:17: ' run p.json
program '[{"alu": [["+", 4, 0]]}]'
expect 2 '^sheaf: p.json:1:' run p.json
program '[{"fpu": [["+", 4, 0, 1]]}]'
expect 2 '^sheaf: p.json:1:3: .*fpu' run p.json
program '[] []'
expect 2 '^sheaf: p.json:1:4: ' run p.json
expect 2 '^sheaf: \./*: ' run ./
expect 2 '^sheaf: \./*: ' conform ./
expect 2 '^sheaf: \./*: ' asm ./

slots=$(printf '["+",0,0,0],%.0s' 1 2 3 4 5 6 7 8 9 10 11 12)
program "[{\"alu\": [$slots[\"+\",0,0,0]]}]"
expect 3 'fault: slot_limit: core 0, cycle 0, bundle 0, alu slot 12 .*13 alu slots, at most 12' run p.json
expect 0 . run p.json --machine alu=13
expect 1 'slot_limit.*13 alu slots' check p.json
program '[{"load": [["const", 1535, 1]]}, {"load": [["const", 1536, 1]]}]'
expect 3 'fault: out_of_range: core 0, cycle 1, bundle 1, load slot 0 .*1536' run p.json
expect 3 . run p.json --json
is 'the fault, in JSON' \
    "$(json '[(f["kind"], f["cycle"], f["bundle"], f["engine"], f["slot"]) for f in o["faults"]], o["slots"]["load"]')" \
    "([('out_of_range', 1, 1, 'load', 0)], 1)"
expect 0 . run p.json --scratch 1537
program '[{"alu": [["hypot", 1, 2, 3]]}]'
expect 3 'fault: unknown_op' run p.json
program '[{"flow": [["jump", 0]]}]'
expect 3 'cycle_limit: .*limit of 5000 cycles reached; last looped from bundle 0 to 0' run p.json --cycle-limit 5000
program "[$(printf '{},%.0s' $(seq 2000)){\"flow\": [[\"jump\", 0]]}]"
expect 3 'round_limit: .*limit of 1052576 rounds reached; last looped from bundle 2000 to 0' run p.json --cycle-limit 1000
expect 3 'cycle_limit' run p.json --cycle-limit 0
program "[{\"debug\": [[\"x\"]$(printf ',["x"]%.0s' $(seq 9000))], \"flow\": [[\"jump\", 0]]}]"
expect 3 'work_limit: .*limit of 147017728 bundles and slots reached' run p.json --cycle-limit 100000
# A machine that would take the host's memory is refused, with the figures.
program '{"machine": {"scratch": 16777216, "cores": 64}, "program": [{"alu": []}]}'
for command in run 'trace -o t.json' profile debug; do
    expect 2 '64 cores with 16777216 words of scratch take 4.00 GiB, expected at most 0.062 GiB' $command p.json
done
program '{"machine": {"scratch": 16777216}, "program": [{"alu": []}]}'
expect 0 'cycles  *1' run p.json
expect 2 'take 0.12 GiB' run p.json --cores 2
program '[{"load": [["const",0,1],["const",0,2]]}]'
expect 0 'warning  *1 double writes' run p.json
expect 3 'fault: write_conflict' run p.json --strict
# Machines with few lanes, and with more than the memory has words.
for lanes in 1 2 3 4 5 6 7 9; do
    expect 0 'result  *correct' run tree_hash:best --set height=4,rounds=7,batch=17 --machine vlen=$lanes
done
expect 0 'result  *correct' run tree_hash:best --set height=0,rounds=1,batch=1 --machine vlen=16
expect 0 'result  *correct' run tree_hash:best --set height=5,rounds=5,batch=2 --machine vlen=64
expect 0 'result  *correct' run tree_hash:best --set height=0,rounds=1,batch=1 --machine vlen=64 --contract indices
expect 0 'result  *correct' run tree_hash:best --set height=2,rounds=1,batch=12 --machine vlen=33 --contract indices
expect 0 'result  *correct' run tree_hash:best --set height=5,rounds=6,batch=3,start=any --machine vlen=32
expect 2 'vectors of 3 words, this code needs 8' run moe_sort:fused --machine vlen=3
expect 2 'needs engine flow, of which the machine has no slots' run moe_sort:fused --machine flow=0
# Debug compares are checked where the kernel is known.
program '[{"debug": [["compare", 0, [0, 0, "idx"]]]}, {"load": [["const",0,1]]}, {"debug": [["compare", 0, [0, 0, "idx"]]]}]'
expect 3 'fault: debug_mismatch: .*bundle 2, debug slot 0 .*found 1, expected 0' run p.json --kernel tree_hash
expect 1 'result  *wrong' run p.json --kernel tree_hash --no-debug
expect 0 'not checked' run p.json

# --- memory images -----------------------------------------------------------

expect 0 '^mem_fnv1a64  *8d73176de2e80469$' gen tree_hash
expect 0 . gen tree_hash --seed 7 --set height=4,rounds=6,batch=10 --json
is 'as recorded' "$(json "o in json.load(open('$data/tree_hash.json'))")" True
"$sheaf" gen tree_hash --set "$small" -o m.json
"$sheaf" gen tree_hash --set "$small" -o m.bin
is 'bytes of m.bin' "$(wc -c <m.bin)" 152
for image in m.json m.bin; do
    expect 0 'result  *not checked' run tree_hash:scalar --set "$small" --mem "$image" -o "end-$image"
done
"$sheaf" run tree_hash:scalar --set "$small" -o end.json >out
is 'the memory at the end' "$(cat end.json)" "$(cat end-m.json)"
is 'the same in .bin' "$(python3 -S -c 'import struct; d = open("end-m.bin", "rb").read()
print(str(list(struct.unpack("<%dI" % (len(d) // 4), d))).replace(" ", ""))')" "$(cat end.json)"
printf '[1, 2, 4294967296]' >bad.json
expect 2 '^sheaf: bad.json:1:8: ' run tree_hash:scalar --mem bad.json
printf 'abcde' >bad.bin
expect 2 'bad.bin: 5 bytes, expected a multiple of 4' run tree_hash:scalar --mem bad.bin
expect 2 'nowhere.bin: No such file' run tree_hash:scalar --mem nowhere.bin
expect 2 'nowhere/m.bin: No such file' gen tree_hash -o nowhere/m.bin
expect 3 'reads memory word 0, memory has 0 words' run right.json
expect 2 'expected a kernel without a variant' gen tree_hash:scalar

# --- kernels, build, asm, dis, check -----------------------------------------

expect 0 '147734 cycles (full)' kernels
expect 0 . kernels --json
is 'a known count' "$(json 'o["kernels"][0]["variants"][0]["cycles"]["values"]')" 147734
expect 0 '^{"load": \[\["const",' build tree_hash:scalar --set "$small"
is 'a plain list' "$(json 'type(o), len(o)')" "(<class 'list'>, $((36 * 32 + 14 + 18 + 2)))"
expect 0 . asm right.s -o again.json
expect 0 . dis again.json -o again.s
expect 0 . asm again.s -o once-more.json
is 'asm and dis' "$(cat once-more.json)" "$(cat again.json)"
expect 0 . dis right.json -o plain.s
expect 0 . asm plain.s -o plain.json
is 'JSON to assembly to JSON' "$(cat plain.json)" "$(cat right.json)"
printf '{ alu: bogus 1, 2 }\n{ fpu: + 1, 2, 3 }\n' >bad.s
expect 2 '^sheaf: bad.s:[12]:[0-9]*: ' asm bad.s
expect 2 '^sheaf: bad.s:[12]:[0-9]*: ' run bad.s
expect 0 '^0 errors, 0 warnings$' check tree_hash:scalar --set "$small"
expect 1 'cycle_limit' check tree_hash:scalar --set "$small" --cycle-limit 9
program '[{"load": [["const",0,1],["const",0,2]]}]'
expect 0 'warning: write_conflict' check p.json
expect 1 'warning: write_conflict' check p.json --strict
program '[{"load": [["const",0,1],["const",1,2]]},{"store": [["store",0,1],["store",0,0]]}]'
printf '[5, 6]' >two.json
expect 0 'warning: write_conflict: bundle 1 .*on a run, cycle 1, core 0' check p.json --mem two.json
expect 1 . check p.json --mem two.json --strict --json
is 'findings, in JSON' "$(json 'o["errors"], o["warnings"], o["run"], [(f["kind"], f["bundle"]) for f in o["findings"]]')" \
    "(0, 1, True, [('write_conflict', 1)])"

# --- conform -----------------------------------------------------------------

head -n 12 "$data/machine.jsonl" >v.jsonl
for engine in step fast; do
    expect 0 '^12 passed, 0 failed$' conform --simulator "$engine" v.jsonl
done
expect 0 '^24 passed, 0 failed$' conform v.jsonl v.jsonl
expect 2 'simulator warp: expected step, fast or batch' conform --simulator warp v.jsonl
expect 2 'conform: expected FILE' conform
: >empty.jsonl
expect 2 'empty.jsonl: no vectors' conform empty.jsonl
for change in 's/"cycles":\([0-9]*\)/"cycles":9\1/' 's/"pc":\([0-9]*\)/"pc":9\1/' 's/"fault":null/"fault":"unknown_op"/' \
    's/"runs":\([0-9]*\)/"runs":9\1/' 's/\("expect".*"mem":\[\)\([0-9]*\)/\19/' 's/"trace":\[/&3,3,3,/; s/,\]/]/g' \
    's/"scratch":{"\([0-9]*\)":[0-9]*/"scratch":{"\1":77/' 's/"program":\[/&{},/' 's/"program":\[/&{"fpu":[]},/'; do
    sed "5$change" v.jsonl >changed.jsonl
    expect 1 '^changed.jsonl:5: .*: ' conform changed.jsonl
    is 'the last line' "$(tail -n 1 out)" '11 passed, 1 failed'
    expect 1 . conform changed.jsonl --json
    is 'conform, in JSON' "$(json 'o["passed"], o["failed"], [f["line"] for f in o["failures"]]')" '(11, 1, [5])'
done
for change in 's/}$//' 's/"mem"/"men"/' 's/"cycles":/"cycles":-/' 's/"name":"[^"]*"/"name":7/' 's/^{/[/' 's/$/ 3/' \
    's/"config":{/&"speed":3,/' 's/,"expect":.*/}/' 's/"mem":\[[0-9]*/"mem":[1.5/' 's/"program":\[/&[/'; do
    sed "5$change" v.jsonl >changed.jsonl
    expect 2 '^sheaf: changed.jsonl:5:[0-9]*: ' conform changed.jsonl
done

# --- the host ----------------------------------------------------------------

# limited KILOBYTES ARGUMENT...
limited() {
    limit=$1
    shift
    (ulimit -v "$limit" && exec "$sheaf" "$@") >out 2>err
}
# A sanitized program cannot start within a limit, and aborts.
if (limited 100000 kernels) 2>/dev/null; then
    status=2 pattern='out of memory'
    limited 100000 run tree_hash:scalar --set rounds=100,batch=4000
    judge $? 'building a large program in 100 MB'
    limited 35000 gen tree_hash --set height=20,batch=1048576
    judge $? 'a large problem in 35 MB'
    python3 -S -c 'print("[" + ",".join(["{\"alu\":[[\"+\",1,2,3]]}"] * 1000000) + "]")' >large.json
    limited 60000 run large.json
    judge $? 'a large file in 60 MB'
    limited 60000 dis large.json
    judge $? 'dis of a large file in 60 MB'
    rm large.json
fi
if [ -e /dev/full ]; then
    status=2 pattern='standard output: No space left'
    "$sheaf" kernels >/dev/full 2>err
    judge $? 'output to a full device'
    expect 2 '/dev/full: No space left' gen tree_hash -o /dev/full
fi

finish
