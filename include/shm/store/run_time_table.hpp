// Run-time table: the memory of a map whose key and value only the segment's schema tells.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "../schema/field.hpp"
#include "run_time_array.hpp"
#include "table.hpp"

namespace shm::detail {

/// Where in a slot its parts lie, as slot_shape has it; tests compare.
struct run_time_slot_shape {
  /// No more is known when compiling: copied and compared by bytes.
  static constexpr std::size_t key_alignment = 1;
  static constexpr std::size_t value_alignment = 1;

  std::size_t key_size = 0;
  std::size_t key_at = 0;
  std::size_t value_size = 0;
  std::size_t value_at = 0;

  /// Nothing when that is no slot of a map.
  static std::optional<run_time_slot_shape> of(const field& slot) {
    if (slot.type != field_type::structure || !slot.dimensions.empty()) return std::nullopt;
    const auto& members = slot.members;
    if (members.size() != 4 || !is_word(members[0], "reach", offsetof(slot_head, reach)) ||
        !is_word(members[1], "state", offsetof(slot_head, state)) || members[2].name != "key" ||
        members[3].name != "value") {
      return std::nullopt;
    }
    run_time_slot_shape shape;
    shape.key_size = bytes_until_padding(members[2]);
    shape.key_at = members[2].offset;
    shape.value_size = members[3].size * members[3].count();
    shape.value_at = members[3].offset;
    if (shape.key_size == 0 || shape.value_size == 0) return std::nullopt;
    return shape;
  }

 private:
  static bool is_word(const field& member, const char* name, std::size_t offset) {
    return member.name == name && member.type == field_type::uint32 && !member.big_endian &&
           member.dimensions.empty() && member.offset == offset;
  }

  /// Padding inside a key is refused when compiling; at its end there may be some of a
  /// static_string.
  static std::size_t bytes_until_padding(const field& key) {
    if (key.type != field_type::structure || !key.dimensions.empty() || key.members.empty()) {
      return key.size * key.count();
    }
    const field& last = key.members.back();
    return last.offset + bytes_until_padding(last);
  }
};

/// Where table_memory<Key, Value, N> has its parts; tests compare.
struct run_time_table_shape {
  run_time_table_shape(std::size_t entries, std::size_t size, std::size_t alignment) noexcept
      : slots(slots_for(entries)),
        slot_size(size),
        array(slots, size, alignment),
        array_at(round_up(sizeof(table_counts), array.part_alignment)),
        payload_size(array_at + array.payload_size) {}

  std::size_t slots;
  std::size_t slot_size;
  run_time_array_shape array;
  std::size_t array_at;
  std::size_t payload_size;
};

/// Byte: std::byte, or const std::byte where the segment is attached read-only.
template <class Byte>
struct run_time_table_memory {
  using counts_type = std::conditional_t<std::is_const_v<Byte>, const table_counts, table_counts>;
  using untyped = std::conditional_t<std::is_const_v<Byte>, const void, void>;

  run_time_table_memory(Byte* payload, const run_time_table_shape& shape)
      : counts(*static_cast<counts_type*>(static_cast<untyped*>(payload))),
        slots(payload + shape.array_at, shape.array, shape.slots, shape.slot_size) {}

  counts_type& counts;
  run_time_array_memory<Byte> slots;
};

/// Numbers of a map, for people. A change that ends meanwhile may count or not.
class table_about_now {
 public:
  explicit table_about_now(const run_time_table_memory<const std::byte>& memory) noexcept
      : table_(memory, {}) {}

  std::size_t entries(std::size_t most) const noexcept {
    std::uint64_t size = 0;
    static_cast<void>(table_.try_size(size));
    return static_cast<std::size_t>(std::min<std::uint64_t>(size, most));
  }
  /// `stored` is the version in the header.
  std::uint64_t version(const std::atomic<std::uint64_t>& stored) const noexcept {
    std::uint64_t version = 0;
    static_cast<void>(table_.try_version(stored, version));
    return version;
  }

 private:
  table_view<const run_time_table_memory<const std::byte>, run_time_slot_shape> table_;
};

}  // namespace shm::detail
