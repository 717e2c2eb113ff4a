#!/bin/sh
# Prints the manual page, from what the command's own --help says.
#
# usage: tools/assets/manpage.sh SHEAF VERSION
set -eu

sheaf=${1:?usage: tools/assets/manpage.sh SHEAF VERSION}
version=$2

# Plain text as roff that shows it as it is.
verbatim() {
    printf '.nf\n'
    sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^\([.']\)/\\\\\&\1/"
    printf '.fi\n'
}

help=$("$sheaf" --help)
cat <<EOF
.TH SHEAF 1 "" "sheaf $version"
.SH NAME
sheaf \- simulate programs of a bundle\-based VLIW/SIMD machine, cycle by cycle
.SH SYNOPSIS
.B sheaf
.I COMMAND
[options] [operands]
.SH COMMANDS
EOF
printf '%s\n' "$help" | verbatim
for command in $(printf '%s\n' "$help" | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'); do
    printf '.SS "sheaf %s"\n' "$command"
    "$sheaf" "$command" --help | verbatim
done
cat <<'EOF'
.SH EXIT STATUS
0 fine; 1 the check failed: a wrong result, a mismatch; 2 wrong usage or bad input; 3 the simulated program faulted.
EOF
