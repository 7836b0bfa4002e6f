// Columns: a value's fields one beside or below the other, each under the path by which it is set.
// SPDX-License-Identifier: MIT
#pragma once

#include <shm.hpp>
#include <string>
#include <vector>

#include "value_text.hpp"

namespace tool {

struct column {
  std::string path;  ///< "" for a value that is no struct
  shm::field_place place;
  unsigned depth = 0;       ///< how many structs it is inside of
  bool is_heading = false;  ///< a struct, whose members follow
};

/// Every field; an array of scalars is one, of structs several. Throws refusal when one of `wanted`
/// is not there; none wanted means all.
std::vector<column> columns_of(const shm::field& value, const std::vector<std::string>& wanted);

/// What of the value's bytes belongs to that column.
bytes_view part(const column& which, bytes_view value);
std::string text_of(const column& which, bytes_view value);
std::string type_of(const column& which);

/// FIRST:END, where either may be left out; END is not one of them.
struct rows {
  std::size_t first = 0;
  std::size_t end = 0;
};
/// "" means all. Throws refusal.
rows rows_in(const std::string& text, std::size_t size);

/// Those elements: all of one moment, or of a choice each as it was at one.
std::vector<std::byte> bytes_of(const shm::const_any_object& from, const rows& which);

/// As text_of, but a text without quotes.
std::string csv_text_of(const column& which, bytes_view value);

[[noreturn]] void refuse_mutex(const std::string& name);

/// The field, or the refusal that lists the fields there are.
shm::field_place field_named(const shm::field& value, const std::string& path);

}  // namespace tool
