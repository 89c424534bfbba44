/**
 * The shells only ask: `cg __complete -- WORDS…` prints one proposal per line, a tab and what it is;
 * the last line may be `:files`, which lets the shell propose path names.
 */
export const shellScripts = {
  bash: `# bash completion for cg
_cg() {
  local line files= word prefix=
  # bash splits words at ":" and "="; put the one being typed together again, and take its start off each proposal.
  local typed="\${COMP_LINE:0:COMP_POINT}"
  local -a words
  read -r -a words <<< "$typed"
  [[ "$typed" == *[[:space:]] ]] && words+=("")
  word="\${words[\${#words[@]}-1]}"
  [[ "$word" == *[:=]* ]] && prefix="\${word%"\${word##*[:=]}"}"
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = ":files" ]; then files=1; continue; fi
    line="\${line%%$'\\t'*}"
    COMPREPLY+=("\${line#"$prefix"}")
  done < <(cg __complete -- "\${words[@]:1}" 2>/dev/null)
  if [ -n "$files" ]; then
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "\${word#"$prefix"}")
    compopt -o filenames 2>/dev/null
  fi
  if [[ "\${COMPREPLY[0]}" == *[=/:] ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -F _cg cg cascadeguard
`,
  zsh: `#compdef cg cascadeguard
_cg() {
  local -a proposals
  local line files=
  while IFS= read -r line; do
    if [[ "$line" == ":files" ]]; then files=1; continue; fi
    proposals+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <(cg __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#proposals} )) && _describe -t values 'cg' proposals
  [[ -n "$files" ]] && _files
}
if [ "$funcstack[1]" = "_cg" ]; then _cg "$@"; else compdef _cg cg cascadeguard; fi
`,
  fish: `# fish completion for cg
function __cg_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in (cg __complete -- $words[2..-1] 2>/dev/null)
    if test "$line" = ":files"
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c cg -f -a '(__cg_complete)'
complete -c cascadeguard -f -a '(__cg_complete)'
`,
} as const;
