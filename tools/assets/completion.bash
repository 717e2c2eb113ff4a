# Bash completion for sheaf. Commands, options and kernels are asked of sheaf itself.
_sheaf()
{
    local current=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} sheaf=${COMP_WORDS[0]}
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "$("$sheaf" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p')" -- "$current"))
    elif [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$("$sheaf" "$command" --help 2>/dev/null | grep -o -e '--[a-z][a-z-]*' | sort -u)" -- "$current"))
    else
        COMPREPLY=($(compgen -f -- "$current"))
    fi
}
complete -o filenames -F _sheaf sheaf
