// Entries: a map as a table by key, and keys as people type them.
// SPDX-License-Identifier: MIT
#pragma once

#include <shm.hpp>
#include <string>
#include <vector>

#include "commands.hpp"
#include "exit_code.hpp"
#include "value_text.hpp"

namespace tool {

inline const shm::field& key_of(const shm::const_any_object& map) {
  return map.value().members[0];
}
inline const shm::field& value_of(const shm::const_any_object& map) {
  return map.value().members[1];
}
/// What of an entry belongs to that field of it.
bytes_view part_of_entry(const shm::field& which, bytes_view entry);

/// As take_key() reads it: 4711, "ab", and the fields of a struct with commas between them.
std::string key_text(const shm::field& key, bytes_view bytes, audience to = audience::people);

/// [4711].speed: the bytes of the key, and leaves speed. Throws refusal.
std::vector<std::byte> take_key(const shm::field& key, std::string& path);

/// One line for each entry, in the order of the keys.
exit_code show_entries(const shm::const_any_object& map, const show_options& how);

}  // namespace tool
