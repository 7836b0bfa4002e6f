// Columns: a value's fields one beside or below the other, each under the path by which it is set.
// SPDX-License-Identifier: MIT
#pragma once

#include <shm.hpp>
#include <string>
#include <vector>

#include "value_text.hpp"

namespace tool {

struct column {
  std::string path;  ///< "value" for the whole of a value that has no members
  shm::field_place place;
  unsigned depth = 0;       ///< how many structs it is inside of
  bool is_heading = false;  ///< a struct, whose members follow
};

/// Every field; an array of scalars is one, of structs several. Throws refusal when one of `wanted`
/// is not there; none wanted means all.
std::vector<column> columns_of(const shm::field& value, const std::vector<std::string>& wanted);

/// Whether it is shown by its members.
bool is_struct(const shm::field& what) noexcept;

/// What of the value's bytes belongs to that column.
bytes_view part(const column& which, bytes_view value);
std::string text_of(const column& which, bytes_view value, audience to = audience::people);
std::string type_of(const column& which);

/// As text_of, and the unit that its program noted: 12.3 m/s.
std::string text_with_unit(const column& which, bytes_view value);

/// As text_of to programs, but a text without quotes.
std::string csv_text_of(const column& which, bytes_view value);

/// [3].gear: how that field of element 3 is named beside others'.
std::string path_in_element(const shm::field& value, std::size_t i, const std::string& path);

[[noreturn]] void refuse_without_value(const std::string& name, shm::object_kind kind);

/// The field, or the refusal that lists the fields there are.
shm::field_place field_named(const shm::field& value, const std::string& path);

/// Throws refusal if the field is an array: the caller needs one of its elements.
void require_single(const column& where);

/// Returns why the path leads to no value at the moment: into an optional that is none, or to an
/// element that a vector does not hold. Returns "" if it leads to one.
std::string absence_of(const shm::field& value, const std::string& path, bytes_view bytes);

}  // namespace tool
