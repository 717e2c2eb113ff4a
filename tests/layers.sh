#!/bin/sh
# The rules about where things are: includes go to the same folder or to a lower
# rank, never up; uthash stays inside .c files; files stay small.
#
#   rank 0  sim/base, sim/isa     rank 3  builder, traces
#   rank 1  sim/program           rank 4  kernels
#   rank 2  sim, sim/engine       rank 5  tools, tests
#
# usage: tests/layers.sh [BUILD]    (from the root; BUILD is not used)
set -u

find sim builder traces kernels tools tests \( -name '*.[ch]' -o -name '*.def' \) | LC_ALL=C sort | xargs awk '
function rank(folder) {
    if (folder ~ /^sim\/(base|isa)$/) return 0
    if (folder == "sim/program") return 1
    if (folder ~ /^sim(\/engine)?$/) return 2
    if (folder ~ /^(builder|traces)(\/|$)/) return 3
    if (folder ~ /^kernels(\/|$)/) return 4
    if (folder ~ /^(tools|tests)(\/|$)/) return 5
    return -1
}
function folder_of(path) { sub(/\/[^\/]*$/, "", path); return path }
function room(folder) { return folder ~ /^sim\/(base|isa|program)/ ? folder : substr(folder, 1, index(folder "/", "/") - 1) }
function bad(what) { printf "%s: %s\n", FILENAME, what; failures++ }
function finish() {
    limit = name ~ /\.c$/ ? 900 : name ~ /\.h$/ ? 320 : 0
    if (limit && lines > limit) { printf "%s: %d lines, at most %d\n", name, lines, limit; failures++ }
}
FNR == 1 {
    finish()
    name = FILENAME
    files++
    here = folder_of(FILENAME)
    if (rank(here) < 0) bad("this folder has no rank")
}
{ lines = FNR }
/^[ \t]*#[ \t]*include[ \t]*</ && /uthash\.h|ut(list|array|string|stack|ringbuffer)\.h/ && FILENAME !~ /\.c$/ { bad("uthash outside a .c file") }
/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, part, "\"")
    there = folder_of(part[2])
    includes++
    if (part[2] !~ /^(sim|builder|traces|kernels|tools|tests)\// || part[2] ~ /\.\./)
        bad("includes \"" part[2] "\", expected a path from the root")
    else if (part[2] ~ /\.c$/)
        bad("includes the source file " part[2])
    else if (rank(there) < 0 || (room(there) != room(here) && rank(there) >= rank(here)))
        bad("(rank " rank(here) ") includes " part[2] " (rank " rank(there) ")")
}
END {
    finish()
    if (!includes) { print "no includes seen: run this from the root"; failures++ }
    printf "%d passed, %d failed\n", (failures > files) ? 0 : files - failures, failures
    exit (failures > 0)
}'
