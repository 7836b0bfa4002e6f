// Run-time type: what a segment holds, as its own description tells; checked before it is believed.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "../format/verify.hpp"
#include "../schema/schema_parser.hpp"
#include "run_time_array.hpp"
#include "run_time_table.hpp"
#include "versioned_cell.hpp"

namespace shm::detail {

struct run_time_type {
  segment_kind kind = segment_kind::mutex;
  schema type{std::string(), 0, 1};
  field value;            ///< the object's, or one element's; of a mutex or semaphore nothing
  std::size_t count = 0;  ///< elements of an array, room in a map, 1 of an object, else 0
  std::size_t element_size = 0;  ///< bytes
  run_time_slot_shape entry;     ///< of a map

  /// Throws corrupt.
  static run_time_type in(const header& head, const verified_description& facts,
                          const subject& about) {
    run_time_type found;
    found.kind = facts.kind();
    found.type = facts.stored_schema(head, about);
    if (!found.is_consistent(facts.payload_size())) {
      refuse(errc::corrupt, about,
             "the segment's description makes no sense: somebody scribbled over it; remove it with "
             "shm::remove(name, shm::force)");
    }
    facts.check_content(head, found.plan(), about);
    // Its size told the number of its permits.
    if (found.kind == segment_kind::semaphore) found.type = schema(std::string(), 0, 1);
    return found;
  }

  run_time_cell_shape cell_shape() const noexcept { return {element_size, type.alignment()}; }
  run_time_array_shape array_shape() const noexcept {
    return {count, element_size, type.alignment()};
  }
  run_time_table_shape table_shape() const noexcept {
    return {count, element_size, type.alignment()};
  }

  /// For opening only: it constructs nothing.
  blueprint plan() const noexcept {
    const std::size_t alignment = std::max(cache_line, type.alignment());
    switch (kind) {
      case segment_kind::object:
        return {kind, &type, cell_shape().payload_size, alignment, nullptr, nullptr};
      case segment_kind::array:
        return {kind, &type, array_shape().payload_size, alignment, nullptr, nullptr};
      case segment_kind::map:
        return {kind, &type, table_shape().payload_size, alignment, nullptr, nullptr};
      case segment_kind::mutex:
      case segment_kind::semaphore: break;
    }
    return {kind, &type, 0, 1, nullptr, nullptr};
  }

 private:
  bool is_consistent(std::size_t payload_size) {
    const std::size_t alignment = type.alignment();
    const bool aligned = alignment != 0 && alignment <= 4096 && (alignment & (alignment - 1)) == 0;
    if (kind == segment_kind::mutex) return type.size() == 0 && alignment == 1;
    if (kind == segment_kind::semaphore) return type.format().empty() && alignment == 1;
    // From here on every size is at most that of the payload, and no sum of a few can overflow.
    if (!aligned || type.size() == 0 || type.size() > payload_size) return false;
    std::optional<parsed_format> parsed = parse(type);
    if (!parsed) return false;
    value = std::move(parsed->value);
    const std::uint64_t elements = parsed->elements.value_or(1);
    const std::uint64_t one = value.size * value.count();
    if (elements * one != type.size()) return false;
    if (kind == segment_kind::array || kind == segment_kind::map) {
      count = elements;
      element_size = one;
      return parsed->elements.has_value() && (kind == segment_kind::array || is_slot());
    }
    if (parsed->elements) value.dimensions.insert(value.dimensions.begin(), elements);
    count = 1;
    element_size = type.size();
    return kind == segment_kind::object;
  }

  /// The members of a slot that the library keeps for itself are not part of the value.
  bool is_slot() {
    const std::optional<run_time_slot_shape> found = run_time_slot_shape::of(value);
    if (!found || count > std::size_t{1} << 31) return false;
    entry = *found;
    value.members.erase(value.members.begin(), value.members.begin() + 2);
    return true;
  }
};

}  // namespace shm::detail
