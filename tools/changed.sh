#!/bin/sh
# Prints those of the source files that are not as the main branch has them, or that
# include what is not: changed since the merge base, not committed, or new. Where
# there is no history, or the rules themselves have changed, all of them. LINT_BASE may
# name another commit to compare with.
#
# usage: tools/changed.sh FILE...    (from the root, from where includes have their paths)
set -eu

base=${LINT_BASE:-}
for main in ${base:+"$base"} origin/main origin/master main master; do
    base=$(git merge-base HEAD "$main" 2>/dev/null) && break
done
changed=$([ -z "$base" ] || { git diff --name-only "$base" && git ls-files --others --exclude-standard; })
if [ -z "$base" ] || printf '%s\n' "$changed" | grep -qx -e '\.clang-tidy'; then
    printf '%s\n' "$@"
    exit 0
fi

# A line for each include: who, what. Then from what has changed to all that it reaches.
git grep --untracked -E '^[ \t]*#[ \t]*include[ \t]*"' -- '*.[ch]' '*.def' | awk -v changed="$changed" -v asked="$*" '
BEGIN {
    n = split(changed, reached, "\n")
    for (i = 1; i <= n; i++) seen[reached[i]] = 1
}
{
    split($0, part, "\"")
    who = substr($0, 1, index($0, ":") - 1)
    users[part[2]] = users[part[2]] " " who
}
END {
    for (i = 1; i <= n; i++) {
        count = split(users[reached[i]], user, " ")
        for (j = 1; j <= count; j++)
            if (!seen[user[j]]++) reached[++n] = user[j]
    }
    count = split(asked, file, " ")
    for (i = 1; i <= count; i++)
        if (seen[file[i]]) print file[i]
}'
