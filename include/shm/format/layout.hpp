// Layout: where in a segment the seats, the schema's text and the payload lie.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "../os/attachment.hpp"
#include "../schema/schema.hpp"
#include "header.hpp"

namespace shm::detail {

inline constexpr std::size_t cache_line = 64;
inline constexpr std::size_t max_schema_length = 64 * 1024;

constexpr std::size_t round_up(std::size_t size, std::size_t alignment) noexcept {
  return (size + alignment - 1) / alignment * alignment;
}

struct segment_layout {
  std::size_t schema_offset;
  std::size_t payload_offset;
  std::size_t total;

  static segment_layout of(std::size_t seats, std::size_t schema_length, std::size_t payload_size,
                           std::size_t payload_alignment) noexcept {
    const std::size_t schema_offset = sizeof(header) + seats * sizeof(seat_entry);
    const std::size_t payload_offset =
        round_up(schema_offset + schema_length, std::max(cache_line, payload_alignment));
    return {schema_offset, payload_offset,
            round_up(payload_offset + payload_size, cache_line) + tail};
  }

  /// Whether a segment of this size can have this layout. Needs no attachment.
  static constexpr bool has_size_of_ours(std::size_t total) noexcept {
    return total > sizeof(header) && total % cache_line == tail;
  }

 private:
  /// Unused bytes at the end: they give segments of this library a size that hardly any other
  /// program's segment has.
  static constexpr std::size_t tail = 8;
};

/// How many permits an object has: a semaphore's are recorded as the size of its type.
constexpr unsigned permits_of(segment_kind kind, std::uint64_t type_size) noexcept {
  return kind == segment_kind::semaphore ? static_cast<unsigned>(type_size) : 0;
}

/// What an opener expects to find, or makes.
struct blueprint {
  segment_kind kind;
  const schema* type;
  std::size_t payload_size;
  std::size_t payload_alignment;
  void (*construct)(std::byte* payload, const void* initial);  ///< the payload is all zeros
  const void* initial;
  /// Set where an array of any number of elements may be found; the other members are then for one
  /// element. Returns 0 for a number of elements that no array has.
  std::size_t (*payload_size_of)(std::size_t elements) = nullptr;

  unsigned permits() const noexcept { return permits_of(kind, type->size()); }
};

inline header& header_at(const attachment& memory) noexcept {
  return *static_cast<header*>(static_cast<void*>(memory.address()));
}

inline seat_entry* seats_of(header& head) noexcept {
  return static_cast<seat_entry*>(static_cast<void*>(&head + 1));
}
inline const seat_entry* seats_of(const header& head) noexcept {
  return static_cast<const seat_entry*>(static_cast<const void*>(&head + 1));
}

}  // namespace shm::detail
