// Extent: how many elements an array has, by its type or found when it is opened.
// SPDX-License-Identifier: MIT
#pragma once

#include "requirements.hpp"

#include <cstddef>
#include <limits>

namespace shm {

/// The N of an array whose number of elements is given when it is created, and found when it is
/// opened.
inline constexpr std::size_t dynamic = std::numeric_limits<std::size_t>::max();

template <class T, std::size_t N = dynamic>
class array;

/// The number of elements of an array, or of a guard of one.
template <std::size_t N>
class extent {
  static_assert(N > 0, "shm: an array has at least one element");

 public:
  /// N.
  static constexpr std::size_t size() noexcept { return N; }

 protected:
  /// @cond
  explicit constexpr extent(std::size_t) noexcept {}
  ~extent() = default;
  extent(const extent&) = default;
  extent& operator=(const extent&) = default;
  /// @endcond
};

/// The number of elements of an array that was opened, or of a guard of one.
template <>
class extent<dynamic> {
 public:
  /// Returns the number of elements, which never changes.
  std::size_t size() const noexcept { return size_; }

 protected:
  /// @cond
  explicit constexpr extent(std::size_t size) noexcept : size_(size) {}
  ~extent() = default;
  extent(const extent&) = default;
  extent& operator=(const extent&) = default;
  /// @endcond

 private:
  std::size_t size_;
};

}  // namespace shm
