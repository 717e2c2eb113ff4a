#!/bin/sh
# Writes the samples.
#
# usage: traces/samples/make.sh SHEAF [FOLDER]    (`make samples`; FOLDER: where, by default beside this)
set -eu

sheaf=${1:?usage: traces/samples/make.sh SHEAF [FOLDER]}
folder=${2:-$(dirname "$0")}

# sample NAME PROGRAM SIZES ENDING...
sample() {
    name=$1
    program=$2
    sizes=$3
    shift 3
    for ending in "$@"; do
        "$sheaf" trace "$program" --set "$sizes" -o "$folder/$name.$ending"
    done
}

sample scalar tree_hash:scalar height=2,batch=8,rounds=1 json
sample grouped tree_hash:grouped height=3,batch=16,rounds=4 json pftrace vcd
sample best tree_hash:best height=3,batch=16,rounds=4 json pftrace
