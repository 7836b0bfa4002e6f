#compdef shm
# SPDX-License-Identifier: MIT
# The command shm in zsh: hands the line to the program, which knows what may stand there.
# Use it with: source <(shm completion zsh), after compinit

_shm() {
  local -a line whole stems
  local one
  line=("${(@Q)words}")
  line[CURRENT]=${(Q)PREFIX}
  for one in "${(@f)$(shm completion offer --at $((CURRENT - 2)) -- "${(@)line[2,-1]}" 2> /dev/null)}"; do
    case $one in
      word\ *) whole+=("${one#* }") ;;
      stem\ *) stems+=("${one#* }") ;;
      files\ *)
        compset -P "${(b)one#files }"
        _files ;;
      command\ *)
        shift $((${one#* } + 1)) words
        (( CURRENT -= ${one#* } + 1 ))
        _normal ;;
    esac
  done
  (( $#whole )) && compadd -V shm -- "${(@)whole}"
  (( $#stems )) && compadd -V shm -S '' -- "${(@)stems}"
}

# Loaded by name from a folder of fpath this is the function itself; sourced, it has yet to be announced.
if [[ $funcstack[1] == _shm ]]; then
  _shm "$@"
else
  compdef _shm shm
fi
