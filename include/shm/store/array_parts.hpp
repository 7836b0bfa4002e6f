// Array parts: where the parts of an open array lie: by its type, or by what was found at opening.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <type_traits>

#include "../base/extent.hpp"
#include "../format/verify.hpp"
#include "journalled_array.hpp"
#include "run_time_array.hpp"

namespace shm::detail {

/// Byte: std::byte, or const std::byte in an array that is attached read-only. T has been compared
/// with the schema in the segment.
template <class Byte, class T, std::size_t N>
class array_parts {
  using memory = array_memory<T, N>;
  static_assert(run_time_array_shape::of<T>(N).payload_size == sizeof(memory) &&
                    run_time_array_shape::of<T>(N).part_alignment == alignof(memory),
                "both kinds of array have the same layout");

 public:
  using memory_type = std::conditional_t<std::is_const_v<Byte>, const memory, memory>;

  array_parts(Byte*, const verified_description&) noexcept {}

  memory_type& in(Byte* payload) const noexcept {
    using untyped = std::conditional_t<std::is_const_v<Byte>, const void, void>;
    return *static_cast<memory_type*>(static_cast<untyped*>(payload));
  }
};

template <class Byte, class T>
class array_parts<Byte, T, dynamic> {
 public:
  using memory_type = const run_time_array_memory<Byte, element_of<T>>;

  /// The number of elements comes from the copy of the description that was checked, and whose size
  /// is that of so many T.
  array_parts(Byte* payload, const verified_description& facts) noexcept
      : array_parts(payload, facts.type_size() / sizeof(T)) {}

  memory_type& in(Byte*) const noexcept { return memory_; }

 private:
  array_parts(Byte* payload, std::size_t elements) noexcept
      : memory_(payload, run_time_array_shape::of<T>(elements), elements) {}

  memory_type memory_;
};

}  // namespace shm::detail
