/** The scripts that shells load: they hand the words over and show the answers. All knowledge is in the program. */

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** The first line of an answer that asks for the shell's own names of files or folders. */
export const FILES = ':files'
export const FOLDERS = ':folders'

const BASH = `# Completion of batchwright for bash 4.4 or newer. To have it in every shell:
#   batchwright completion bash > ~/.local/share/bash-completion/completions/batchwright
# or, in ~/.bashrc:  eval "$(batchwright completion bash)"
_batchwright() {
  local line lines
  COMPREPLY=()
  mapfile -t lines < <("\${COMP_WORDS[0]}" complete bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  case "\${lines[0]-}" in
    ${FILES}) compopt -o filenames -o default; return ;;
    ${FOLDERS}) compopt -o filenames -o dirnames; return ;;
  esac
  for line in "\${lines[@]}"; do COMPREPLY+=("\${line%%$'\\t'*}"); done
}
complete -o nosort -F _batchwright batchwright
`

const ZSH = `#compdef batchwright
# Completion of batchwright for zsh. To have it in every shell, in a folder of $fpath:
#   batchwright completion zsh > ~/.zsh/completions/_batchwright
# or, in ~/.zshrc after compinit:  eval "$(batchwright completion zsh)"
_batchwright() {
  local -a lines described
  local line value
  lines=("\${(@f)$("\${(Q)words[1]}" complete zsh -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  case "\${lines[1]}" in
    ${FILES}) _files; return ;;
    ${FOLDERS}) _files -/; return ;;
    '') return 1 ;;
  esac
  for line in "\${lines[@]}"; do
    value="\${line%%$'\\t'*}"
    described+=("\${value//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe -V batchwright described
}
if [[ "\${funcstack[1]}" == _batchwright ]]; then _batchwright "$@"; else compdef _batchwright batchwright; fi
`

const FISH = `# Completion of batchwright for fish. To have it in every shell:
#   batchwright completion fish > ~/.config/fish/completions/batchwright.fish
function __batchwright_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($words[1] complete fish -- $words[2..-1] "$current" 2>/dev/null)
    switch "$lines[1]"
        case '${FILES}'
            __fish_complete_path "$current"
        case '${FOLDERS}'
            __fish_complete_directories "$current"
        case '*'
            printf '%s\\n' $lines
    end
end
complete -c batchwright -f -k -a '(__batchwright_complete)'
`

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH }

export function scriptFor(shell: Shell): string {
  return SCRIPTS[shell]
}
