// Field path: finds what a person means by wheels[2].pressure in a described value.
// SPDX-License-Identifier: MIT
#pragma once

#include "../base/requirements.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "field.hpp"

namespace shm {

/// Part of a value: a field, or one element of it.
struct field_place {
  const field* what;       ///< in the description that was searched
  std::uint64_t offset;    ///< from the start of the value
  std::size_t dimensions;  ///< how many of what->dimensions an index has chosen from

  /// Whether it is one element, and no array.
  bool is_single() const noexcept { return dimensions == what->dimensions.size(); }
};

namespace detail {

/// [2]: none when that is no index, or none of this array.
inline std::optional<std::uint64_t> take_index(std::string_view& path, std::uint64_t end) {
  const std::size_t close = path.find(']');
  if (close == path.npos || close < 2 || close > 20) return std::nullopt;
  std::uint64_t index = 0;
  for (const char digit : path.substr(1, close - 1)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    index = index * 10 + static_cast<std::uint64_t>(digit - '0');
    if (index >= end) return std::nullopt;
  }
  path.remove_prefix(close + 1);
  return index;
}

inline const field* member_named(const field& of, std::string_view name) {
  const auto found = std::find_if(of.members.begin(), of.members.end(),
                                  [name](const field& member) { return member.name == name; });
  return found == of.members.end() || name.empty() ? nullptr : &*found;
}

}  // namespace detail

/// engine.rpm, wheels[2].pressure, grid[1][2]; "" is the value itself, [3] an element of one that
/// is an array. An index may also choose from a vector, whatever its size is at the moment, and a
/// name from the value of an optional. Nothing when there is no such field or element. Never
/// throws.
inline std::optional<field_place> find_field(const field& value, std::string_view path) {
  field_place at{&value, 0, 0};
  while (!path.empty()) {
    if (path.front() == '[') {
      if (at.is_single() && at.what->meaning == field_meaning::vector) {
        at = {&at.what->members[1], at.offset + at.what->members[1].offset, 0};
      }
      if (at.is_single()) return std::nullopt;
      const std::uint64_t end = at.what->dimensions[at.dimensions];
      const auto index = detail::take_index(path, end);
      if (!index) return std::nullopt;
      ++at.dimensions;
      std::uint64_t stride = at.what->size;
      for (std::size_t d = at.dimensions; d < at.what->dimensions.size(); ++d) {
        stride *= at.what->dimensions[d];
      }
      at.offset += *index * stride;
      continue;
    }
    if (!at.is_single()) return std::nullopt;
    if (at.what != &value || at.dimensions != 0) {
      if (path.front() != '.') return std::nullopt;
      path.remove_prefix(1);
    }
    const std::string_view name = path.substr(0, path.find_first_of(".["));
    const field* found = detail::member_named(*at.what, name);
    if (found == nullptr && at.what->meaning == field_meaning::optional) {
      at = {&at.what->members[0], at.offset + at.what->members[0].offset, 0};
      found = at.is_single() ? detail::member_named(*at.what, name) : nullptr;
    }
    if (found == nullptr) return std::nullopt;
    path.remove_prefix(name.size());
    at = {found, at.offset + found->offset, 0};
  }
  return at;
}

}  // namespace shm
