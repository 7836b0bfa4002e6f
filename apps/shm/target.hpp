// Target: one field of an object, of an array's element or of a map's entry, as people name it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <shm.hpp>
#include <string>
#include <vector>

#include "columns.hpp"

namespace tool {

struct target {
  column where;                ///< inside the value, the element, or the value of the entry
  std::size_t element = 0;     ///< of an array
  std::vector<std::byte> key;  ///< of a map's entry
};

/// Reads a path as people type it: gear, [3].gear of an array, [4711].gear of a map. Throws
/// refusal.
target target_named(const shm::const_any_object& of, const std::string& typed);

/// Returns the field that a target's column is a part of: the value, an element, or an entry's
/// value.
const shm::field& value_with_targets(const shm::const_any_object& of);

/// Returns the bytes that the column is a part of. Returns nothing if there is no such entry, or no
/// such element of a vector, at the moment. Throws the same errors as const_any_object::load().
std::optional<std::vector<std::byte>> bytes_at(const shm::const_any_object& from,
                                               const target& what);

}  // namespace tool
