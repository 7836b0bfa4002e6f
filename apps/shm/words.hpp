// Words: kinds, states and locks as people and JSON read them.
// SPDX-License-Identifier: MIT
#pragma once

#include <shm.hpp>
#include <string>
#include <utility>

namespace tool {

inline const char* word_for(shm::object_kind kind) noexcept {
  switch (kind) {
    case shm::object_kind::object: return "object";
    case shm::object_kind::array: return "array";
    case shm::object_kind::mutex: return "mutex";
    case shm::object_kind::map: return "map";
    case shm::object_kind::semaphore: return "semaphore";
    case shm::object_kind::unknown: break;
  }
  return "unknown";
}

/// Whether there is something to show by fields, to watch and to set.
inline bool has_value(shm::object_kind kind) noexcept {
  return kind != shm::object_kind::mutex && kind != shm::object_kind::semaphore;
}

inline const char* word_for(shm::object_state state) noexcept {
  switch (state) {
    case shm::object_state::ready: return "ready";
    case shm::object_state::half_made: return "half-made";
    case shm::object_state::removing: return "removing";
    case shm::object_state::removed: return "removed";
  }
  return "unknown";
}

/// "1 of 3 permits free"
inline std::string permits_in_words(const shm::object_info& info) {
  return std::to_string(info.available) + " of " + std::to_string(info.count) + " permits free";
}

inline const char* word_for(shm::lock_state lock) noexcept {
  switch (lock) {
    case shm::lock_state::free: return "free";
    case shm::lock_state::held: return "held";
    case shm::lock_state::owner_died: return "owner died";
    case shm::lock_state::unknown: break;
  }
  return "unknown";
}

/// What the library advises to a programmer, as the command that does it.
inline std::string with_commands(std::string advice) {
  const std::pair<const char*, const char*> ways[] = {
      {"shm::remove(name, shm::force)", "shm rm --force NAME"},
      {"shm::remove(name)", "shm rm NAME"},
      {"a program that can repair them takes lock(), stores whole elements and calls "
       "mark_repaired()",
       "see them as they are: shm show NAME --damaged; a program stores whole ones, or shm set "
       "does; "
       "then: shm repaired NAME"},
  };
  for (const auto& [call, command] : ways) {
    for (std::size_t at = advice.find(call); at != advice.npos; at = advice.find(call)) {
      advice.replace(at, std::string(call).size(), command);
    }
  }
  return advice;
}

}  // namespace tool
