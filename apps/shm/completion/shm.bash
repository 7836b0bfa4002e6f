# The command shm in bash: hands the line to the program, which knows what may stand there.
# SPDX-License-Identifier: MIT
# Use it with: source <(shm completion bash)

# A word as the shell would take it, into REPLY; nothing in it is run.
_shm_unquoted() {
  local left=$1 quote= one
  REPLY=
  while [[ -n $left ]]; do
    one=${left:0:1} left=${left:1}
    if [[ $one == \\ && $quote != \' ]]; then
      REPLY+=${left:0:1} left=${left:1}
    elif [[ -z $quote && $one == [\'\"] ]]; then
      quote=$one
    elif [[ -n $quote && $one == "$quote" ]]; then
      quote=
    else
      REPLY+=$one
    fi
  done
}

_shm() {
  COMPREPLY=()
  # Readline splits at = and : too, and replaces only what is behind the last one: the stem stays.
  local words=() starts=() at=0 stem='' typed='' rest=$COMP_LINE apart=1 i part blank
  for i in "${!COMP_WORDS[@]}"; do
    part=${COMP_WORDS[i]}
    blank=${rest%%[![:space:]]*}
    if [[ -n $part ]]; then rest=${rest:${#blank}}; fi
    if [[ -n $apart || -n $blank || -z $part ]]; then words+=('') starts+=("$i"); fi
    apart=
    if [[ $i -eq $COMP_CWORD ]]; then
      at=$((${#words[@]} - 1)) stem=${words[at]}
      typed=${part:0:COMP_POINT - ${#COMP_LINE} + ${#rest}}
      if [[ -z $part ]]; then apart=1; fi
      if [[ $typed =~ ^[=:]+$ ]]; then stem+=$typed typed=; fi
    fi
    words[-1]+=$part rest=${rest:${#part}}
  done
  if [[ $stem == *[\<\>] || $at -gt 1 && ${words[at - 1]} =~ ^[0-9]*[\<\>]+$ ]]; then  # a file
    compopt -o default
    return
  fi

  local plain=() line kind offered quote=
  for i in "${!words[@]}"; do
    _shm_unquoted "${words[i]}"
    plain+=("$REPLY")
  done
  _shm_unquoted "$stem$typed"
  plain[at]=$REPLY
  _shm_unquoted "$stem"
  stem=$REPLY
  if [[ $typed == [\'\"]* ]]; then quote=${typed:0:1}; fi

  while IFS= read -r line; do
    kind=${line%% *} offered=${line#* }
    case $kind in
      word | stem)
        offered=${offered:${#stem}}
        if [[ -z $quote ]]; then
          printf -v offered %q "$offered"
          offered=${offered//\\,/,}
        elif [[ $quote == \' && $offered == *\'* || $quote == \" && $offered == *[\"\\\$\`!]* ]]; then
          continue
        fi
        if [[ $kind == stem ]]; then compopt -o nospace; fi
        COMPREPLY+=("$offered") ;;
      files) compopt -o default ;;
      command)
        if declare -F _command_offset > /dev/null; then
          _command_offset "${starts[offered + 1]}"
        elif [[ $at -eq $((offered + 1)) ]]; then
          mapfile -t COMPREPLY < <(compgen -c -- "$typed")
        else
          compopt -o default
        fi ;;
    esac
  done < <(shm completion offer --at $((at - 1)) -- "${plain[@]:1}" 2> /dev/null)
}
complete -o nosort -F _shm shm
