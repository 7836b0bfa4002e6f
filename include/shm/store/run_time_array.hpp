// Run-time array: the memory of a journalled array whose length only the segment's schema tells.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "journalled_array.hpp"

namespace shm::detail {

/// Where array_memory<T, N> has its parts; tests compare.
struct run_time_array_shape {
  constexpr run_time_array_shape(std::size_t elements, std::size_t size,
                                 std::size_t alignment) noexcept
      : stripes(stripes_for(elements)),
        part_alignment(std::max(cache_line, alignment)),
        journal(round_up(cache_line + stripes * sizeof(std::uint64_t), part_alignment)),
        elements_at(round_up(journal + size, part_alignment)),
        payload_size(round_up(elements_at + elements * size, part_alignment)) {}

  template <class T>
  static constexpr run_time_array_shape of(std::size_t elements) noexcept {
    return {elements, sizeof(T), alignof(T)};
  }

  std::size_t stripes;
  std::size_t part_alignment;
  std::size_t journal;
  std::size_t elements_at;
  std::size_t payload_size;
};

/// An element of which the schema alone tells the size. No more is known when compiling: small
/// elements are copied by bytes.
struct element_of_found_size {
  element_of_found_size(std::size_t size) noexcept : element_size(size) {}

  static constexpr std::size_t element_alignment = 1;
  std::size_t element_size;
};

/// An element whose type the program knows.
template <class T>
struct element_of {
  static constexpr std::size_t element_alignment = alignof(T);
  static constexpr std::size_t element_size = sizeof(T);
};

/// Byte: std::byte, or const std::byte where the segment is attached read-only. Element:
/// element_of_found_size, or element_of<T>.
template <class Byte, class Element = element_of_found_size>
struct run_time_array_memory : Element {
  using counter = std::conditional_t<std::is_const_v<Byte>, const std::atomic<std::uint64_t>,
                                     std::atomic<std::uint64_t>>;
  static constexpr std::size_t most_stripes = stripes_for(static_cast<std::size_t>(-1));

  run_time_array_memory(Byte* payload, const run_time_array_shape& shape,
                        std::size_t elements_in_it, Element one_element = {}) noexcept
      : Element(one_element),
        count(elements_in_it),
        stripes(shape.stripes),
        bulk(*counter_at(payload)),
        journal_index(*counter_at(payload + sizeof(std::uint64_t))),
        sequences(counter_at(payload + cache_line)),
        journal(payload + shape.journal),
        elements(payload + shape.elements_at) {}

  std::size_t count;
  std::size_t stripes;
  counter& bulk;
  counter& journal_index;
  counter* sequences;
  Byte* journal;
  Byte* elements;

 private:
  static counter* counter_at(Byte* place) noexcept {
    using untyped = std::conditional_t<std::is_const_v<Byte>, const void, void>;
    return static_cast<counter*>(static_cast<untyped*>(place));
  }
};

}  // namespace shm::detail
