# What the command's tests share: sourced, it leaves them in an empty folder. They print
# `N passed, N failed` at the end.

sheaf=$(realpath "${SHEAF:?usage: SHEAF=build/sheaf tests/cli/run.sh}")
data=$(realpath "$(dirname "$0")/../data")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=0

pass() {
    passed=$((passed + 1))
}

# fail TEXT
fail() {
    failed=$((failed + 1))
    printf 'FAILED: %s\n' "$1"
    sed 's/^/  out: /' out | head -n 12
    sed 's/^/  err: /' err | head -n 12
}

# expect STATUS PATTERN ARGUMENT...: runs sheaf. PATTERN is a basic regular
# expression that standard output (status 0, 1) or the error (2, 3) has to match; `.` is none.
expect() {
    status=$1
    pattern=$2
    shift 2
    "$sheaf" "$@" >out 2>err </dev/null
    judge $? "sheaf $*"
}

# judge FOUND_STATUS TEXT: against $status and $pattern.
judge() {
    errors=$(grep -c '^sheaf: ' err)
    if [ "$1" -ne "$status" ]; then
        fail "$2: status $1, expected $status"
    elif [ "$status" -le 1 ] && [ -s err ]; then
        fail "$2: something on standard error"
    elif [ "$status" -ge 2 ] && { [ "$errors" -ne 1 ] || grep -q -v -e '^sheaf: ' -e '^  ' err; }; then
        fail "$2: expected exactly one error"
    elif [ "$pattern" = . ]; then
        pass
    elif [ "$status" -le 1 ] && ! grep -q -e "$pattern" out; then
        fail "$2: output has no \`$pattern\`"
    elif [ "$status" -ge 2 ] && ! grep -q -e "$pattern" err; then
        fail "$2: the error has no \`$pattern\`"
    else
        pass
    fi
}

# program TEXT...: writes p.json.
program() {
    printf '%s\n' "$*" >p.json
}

# is TEXT FOUND EXPECTED
is() {
    if [ "$2" = "$3" ]; then
        pass
    else
        fail "$1: \`$2\`, expected \`$3\`"
    fi
}

# json EXPRESSION: of the object on standard output, as Python sees it in `o`.
json() {
    python3 -S -c 'import json, sys
o = json.load(open("out"))
print(eval(sys.argv[1]))' "$1" 2>&1
}

# lives PROCESS: whether it is still at work.
lives() {
    grep -q '^State:.[^ZX]' "/proc/$1/status" 2>/dev/null
}

# in_time SECONDS COMMAND...: waits until the command succeeds, so long at the most.
in_time() {
    tries=$((50 * $1))
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.02
    done
}

# ended PROCESS...: once none of them is at work.
ended() {
    for process in "$@"; do
        ! lives "$process" || return 1
    done
}

# children PROCESS
children() {
    cat /proc/"$1"/task/*/children 2>/dev/null
}

has_children() {
    [ -n "$(children "$1")" ]
}

# finish: the last line.
finish() {
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ]
}
