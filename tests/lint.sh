#!/bin/sh
# What `make lint` looks at: files that differ from the main branch, those that include
# what differs, and not again what was found clean. The linter here is one that only takes notes.
#
# usage: tests/lint.sh [BUILD]    (from the root; BUILD is not used)
set -u

tools=$(pwd)/tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=0

# is TEXT FOUND EXPECTED
is() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s: `%s`, expected `%s`\n' "$1" "$2" "$3"
    fi
}

changed() {
    "$tools/changed.sh" a/user.c a/far.c b/alone.c | tr '\n' ' '
}

all='a/user.c a/far.c b/alone.c '
mkdir a b
echo 'int near;' >a/near.h
echo 'int list;' >a/list.def
printf '#include "a/near.h"\n# include "a/list.def"\n' >a/middle.h
printf '#include <stdio.h>\n#include "a/near.h"\n' >a/user.c
printf '#include "a/middle.h"\n' >a/far.c
echo 'int alone;' >b/alone.c
echo 'Checks: x' >.clang-tidy

# --- which files -------------------------------------------------------------

if command -v git >/dev/null; then
    is 'without a history' "$(GIT_CEILING_DIRECTORIES=$(dirname "$work") changed)" "$all"
    export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x
    git init -q -b main .
    git add .
    git commit -q -m 'all'
    is 'nothing differs' "$(changed)" ''
    echo 'int more;' >>b/alone.c
    is 'a file' "$(changed)" 'b/alone.c '
    git checkout -q -b work
    git commit -q -a -m 'more'
    is 'a file, committed on a branch' "$(changed)" 'b/alone.c '
    git checkout -q main
    git checkout -q -b other
    echo 'int more;' >>a/near.h
    is 'a header' "$(changed)" 'a/user.c a/far.c '
    git checkout -q a/near.h
    echo 'int more;' >>a/list.def
    is 'a table, through a header' "$(changed)" 'a/far.c '
    git checkout -q a/list.def
    printf '#include "a/new.h"\n' >>a/user.c
    git commit -q -a -m 'new'
    git branch -q -f main
    : >a/new.h
    is 'a header that is new' "$(changed)" 'a/user.c '
    echo >>.clang-tidy
    is 'the rules' "$(changed)" "$all"
fi

# --- what was found clean -----------------------------------------------------

mkdir bin
cat >bin/clang-tidy <<'END'
#!/bin/sh
[ "$1" != --version ] || { echo 1; exit; }
echo "$2" >>runs
! grep -q BAD "$2" || { echo 'it is bad'; exit 1; }
END
chmod +x bin/clang-tidy
PATH=$(pwd)/bin:$PATH

# looks TEXT FILE OUTPUT RUNS FLAG...
looks() {
    text=$1 file=$2 output=$3 runs=$4
    shift 4
    : >runs
    is "$text: output" "$("$tools/lint.sh" clean "$file" -I. "$@")" "$output"
    is "$text: runs" "$(wc -l <runs)" "$runs"
}

looks 'first' a/far.c '' 1
looks 'again' a/far.c '' 0
looks 'with another flag' a/far.c '' 1 -DX
echo 'int more;' >>a/near.h
looks 'another header' a/far.c '' 1
echo '#define MORE' >>a/near.h
looks 'another macro' a/far.c '' 1
echo '/* BAD */' >>a/far.c
looks 'a finding' a/far.c 'it is bad' 1
looks 'a finding, again' a/far.c 'it is bad' 1
"$tools/lint.sh" clean a/far.c -I. >out
is 'its status' "$?" 1
echo 'Checks: y' >.clang-tidy
looks 'other rules' b/alone.c '' 1
looks 'other rules, again' b/alone.c '' 0

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
