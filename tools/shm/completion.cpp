// completion: what a shell offers behind shm: commands, the objects that are there, their fields.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "columns.hpp"
#include "commands.hpp"
#include "objects.hpp"

namespace tool {

namespace {

// Names may hold anything: they are neither expanded (as compgen -W would) nor offered unquoted.
constexpr const char* bash_script = R"script(# Use it with: source <(shm completion bash)
_shm() {
  local typed=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} word offered=()
  if [[ $COMP_CWORD -eq 1 ]]; then
    offered=(ls show schema watch who set lock rm gc doctor completion --help --version)
  elif [[ $typed == -* ]]; then
    case $command in
      ls) offered=(--json --all) ;;
      show) offered=(--json --csv --raw --rows --field) ;;
      watch) offered=(--field --rows --interval --changes --record) ;;
      set) offered=(--expect) ;;
      lock) offered=(--timeout) ;;
      rm) offered=(--force) ;;
      gc) offered=(--dry-run) ;;
    esac
    offered+=(--help)
  elif [[ $command == set && $COMP_CWORD -gt 2 || ${COMP_WORDS[COMP_CWORD-1]} == --field ]]; then
    mapfile -t offered < <(shm completion fields "${COMP_WORDS[2]}" 2> /dev/null)
  elif [[ $command == completion ]]; then
    offered=(bash zsh)
  else
    mapfile -t offered < <(shm completion names 2> /dev/null)
  fi
  COMPREPLY=()
  for word in "${offered[@]}"; do
    if [[ $word == "$typed"* ]]; then COMPREPLY+=("$(printf %q "$word")"); fi
  done
}
complete -o nosort -F _shm shm
)script";

constexpr const char* zsh_script =
    R"script(# Use it with: source <(shm completion zsh), after compinit
_shm() {
  local -a offered
  if (( CURRENT == 2 )); then
    offered=(ls show schema watch who set lock rm gc doctor completion)
  elif [[ $words[2] == set && $CURRENT -gt 3 || $words[CURRENT-1] == --field ]]; then
    offered=(${(f)"$(shm completion fields $words[3] 2> /dev/null)"})
  elif [[ $words[2] == completion ]]; then
    offered=(bash zsh)
  else
    offered=(${(f)"$(shm completion names 2> /dev/null)"})
  fi
  compadd -a offered
}
compdef _shm shm
)script";

}  // namespace

exit_code completion(const completion_options& how) {
  if (how.what == "bash") {
    fmt::print("{}", bash_script);
  } else if (how.what == "zsh") {
    fmt::print("{}", zsh_script);
  } else if (how.what == "names") {
    for (const shm::object_info& one : shm::list()) fmt::print("{}\n", title(one));
  } else {
    const shm::const_any_object from = look_at(how.name);
    for (const column& one : columns_of(from.value(), {})) fmt::print("{}\n", one.path);
  }
  return done;
}

}  // namespace tool
