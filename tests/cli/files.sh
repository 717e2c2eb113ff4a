#!/bin/sh
# Files in and out: what is read in whatever form people have it, and what is there already is never lost.
#
# usage: SHEAF=build/sheaf tests/cli/files.sh
set -u

. "$(dirname "$0")/lib.sh"

good='[{"load": [["const",0,7]]},{"store": [["store",0,0]]}]'
small=height=4,rounds=8,batch=32

# Byte order marks and line ends of other systems, in every text there is.
printf '\357\273\277%s\r\n' "$good" >bom.json
printf '\357\273\277{ load: const 0, 7 }\r\n{ store: store 0, 0 }\r\n' >bom.s
printf '\357\273\277[0,\r\n 0,0,0,0,0,0,0]\r\n' >bom-mem.json
for file in bom.json bom.s; do
    expect 0 'cycles  *2' run $file --mem bom-mem.json
done
printf '\357\273\277[{"alu": [["+"]]}]' >wrong.json
expect 2 'wrong.json:1:1[0-9]: ' run wrong.json
"$sheaf" search tree_hash:best --set $small --evals 200 --seed 1 -j 1 -o r.tune >/dev/null
sed 's/$/\r/' r.tune >crlf.tune
(printf '\357\273\277' && cat r.tune) >bom.tune
for record in r.tune crlf.tune bom.tune; do
    "$sheaf" build tree_hash:best --set $small --record $record -o $record.json
    is "a record in $record" "$(cksum <r.tune.json)" "$(cksum <$record.json)"
done
"$sheaf" sweep tree_hash:packed --set $small --grid load=1:2 -o s.csv >/dev/null
sed 's/$/\r/' s.csv >crlf.csv
expect 0 '2 of 2, 0 in this run' sweep tree_hash:packed --set $small --grid load=1:2 -o crlf.csv
printf 'step\r\nquit\r\n' >script
program "$good"
expect 0 'cycle 1' debug p.json --mem bom-mem.json --script script
(printf '\357\273\277' && head -n 3 "$data/machine.jsonl" | sed 's/$/\r/') >v.jsonl
expect 0 '3 passed' conform v.jsonl

# Whole numbers of any size stand for what is left of them modulo 2^32.
for number in 9223372036854775808 -9223372036854775809 123456789012345678901234567890 18446744073709551616 -1 4294967301; do
    want=$(python3 -c "print($number % 2**32)")
    program "[{\"load\": [[\"const\",0,$number],[\"const\",1,0]]},{\"store\": [[\"store\",1,0]]}]"
    expect 0 . run p.json --mem bom-mem.json -o end.json
    is "const $number" "$(python3 -c 'import json; print(json.load(open("end.json"))[0])')" "$want"
    "$sheaf" dis p.json -o p.s && "$sheaf" asm p.s -o q.json
    expect 0 . run q.json --mem bom-mem.json -o end.json
    is "const $number, there and back" "$(python3 -c 'import json; print(json.load(open("end.json"))[0])')" "$want"
done
program '[{"alu": [["+",0,0,99999999999999999999999]]}]'
expect 2 'expected a scratch address (32 bit), found 99999999999999999999999' run p.json
program '[{"flow": [["jump",9223372036854775808]]}]'
expect 2 'expected a bundle number, found 9223372036854775808' run p.json
program "$good"
echo '[18446744073709551617]' >mem.json
expect 2 'expected a word from 0 to 4294967295, found 18446744073709551617' run p.json --mem mem.json

# An output that is an input, by whatever name.
program "$good"
"$sheaf" dis p.json -o p.s
ln -s p.s link.s
ln p.s hard.s
cksum <p.s >before
for name in p.s ./p.s link.s hard.s "$PWD/p.s"; do
    expect 2 "that is the input" asm p.s -o "$name"
done
cp bom-mem.json mem.json
expect 2 'that is the input' run p.json --mem mem.json -o mem.json
expect 2 'that is the input' trace p.json -o p.json
is 'the input is as it was' "$(cksum <p.s)" "$(cat before)"

# Links that lead nowhere yet, modes, special files, folders that are not there.
ln -s there.json nowhere.json
expect 0 . asm p.s -o nowhere.json
is 'a link stays a link' "$([ -L nowhere.json ] && [ -f there.json ] && echo yes)" yes
mkdir -p deep && ln -s deep/other.json far.json
expect 0 . asm p.s -o far.json
is 'a link into a folder' "$([ -L far.json ] && [ -f deep/other.json ] && echo yes)" yes
: >mode.json && chmod 640 mode.json
expect 0 . asm p.s -o mode.json
is 'the mode is kept' "$(stat -c %a mode.json)" 640
expect 0 'const' asm p.s -o /dev/stdout
expect 2 'No space left' asm p.s -o /dev/full
expect 2 'No such file' asm p.s -o none/q.json
mkfifo pipe && (cat pipe >from-pipe &) && expect 0 . asm p.s -o pipe
for output in t.json t.vcd t.pftrace t.html; do
    echo old >$output
    expect 3 'out_of_range' trace bom.json -o $output
    expect 0 . trace p.json --mem bom-mem.json -o $output
done
is 'nothing is left beside' "$(ls | grep -c '\.new$')" 0
# What a killed process left is removed by the next one; what belongs to a living one stays.
: >q.json.999999999.0123456789abcdef.new
: >q.json.$$.0123456789abcdef.new
: >other.json.999999999.0123456789abcdef.new
expect 0 . asm p.s -o q.json
is 'leavings' "$(ls | grep '\.new$' | sort | tr '\n' ' ')" "other.json.999999999.0123456789abcdef.new q.json.$$.0123456789abcdef.new "

# One document on standard output; what cannot be one is refused.
expect 2 'both would be standard output' run p.json --mem bom-mem.json --json -o -
expect 2 'expected no --json' profile p.json --mem bom-mem.json --timeline 0:2 --json
program '[{"alu": [["%",0,0,0]]}]'
is 'the fault of each side' "$("$sheaf" diff p.json p.json --json 2>/dev/null | python3 -c 'import json,sys; print([r["faults"][0]["kind"] for r in json.load(sys.stdin)["results"]])')" \
    "['divide_by_zero', 'divide_by_zero']"
expect 2 'p.s is a file, expected a kernel' build p.s -o q.json
expect 2 'a file, expected a kernel' gen p.json
expect 2 'no kernel' build nothing -o q.json

# Names of a waveform are words, and each is there once; operations are numbers where texts are not wanted.
program '{"scratch_map":{"0":["x.y",1],"1":["x_y",1],"2":["+",1],"3":["-",1],"4":["",1],"5":["_",1]},"program":[{"load":[["const",0,1],["const",1,2]]}]}'
expect 0 . trace p.json -o t.vcd --format vcd-plain
is 'names are told apart' "$(grep -c '\$var reg' t.vcd) $(grep '\$var reg' t.vcd | awk '{print $5}' | sort -u | wc -l)" '6 6'
is 'no texts' "$(grep -c -e '\$var string' -e '^s' t.vcd)" 0
expect 0 . trace p.json -o t.vcd
is 'texts' "$(grep -c '\$var string' t.vcd)" 23

# Installed below names with spaces, and gone again.
root="$PWD/a root"
if make -s -C "$data/../.." BUILD="$(dirname "$sheaf")" install DESTDIR="$root" PREFIX='/usr/my local' LIBDIR='/usr/my lib/x' >log 2>&1; then
    is 'installed' "$([ -x "$root/usr/my local/bin/sheaf" ] && [ -f "$root/usr/my lib/x/libsheaf.a" ] && echo yes)" yes
    is 'sheaf.pc' "$(grep -c '^libdir=/usr/my\\ lib/x$' "$root/usr/my lib/x/pkgconfig/sheaf.pc")" 1
    make -s -C "$data/../.." BUILD="$(dirname "$sheaf")" uninstall DESTDIR="$root" PREFIX='/usr/my local' LIBDIR='/usr/my lib/x'
    is 'uninstalled' "$(find "$root" -type f -o -type l | wc -l)" 0
else
    is 'make install' "$(tail -n 3 log)" ''
fi
finish
