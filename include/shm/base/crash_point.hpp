// Crash points: named steps of every protocol at which the tests kill the process.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>

namespace shm::detail {

#ifdef SHM_CRASH_POINTS
/// So long that a test hangs where a wake-up is lost.
inline constexpr std::chrono::seconds longest_sleep{3600};

inline void (*crash_point_hook)(const char* step) = nullptr;

inline void crash_point(const char* step) noexcept {
  if (crash_point_hook != nullptr) crash_point_hook(step);
}

/// copy(offset, size) for each third, with a crash point after the first and after the second.
template <class Copy>
void crash_points_in_copy(const char* step, std::size_t size, Copy copy) noexcept {
  const std::size_t third = size / 3 / sizeof(std::size_t) * sizeof(std::size_t);
  copy(0, third);
  crash_point(step);
  copy(third, third);
  crash_point(step);
  copy(2 * third, size - 2 * third);
}
#else
/// How long a process sleeps for a lock before it looks again, whether it was woken or not.
inline constexpr std::chrono::seconds longest_sleep{1};

constexpr void crash_point(const char*) noexcept {}

template <class Copy>
[[gnu::always_inline]] inline void crash_points_in_copy(const char*, std::size_t size,
                                                        Copy copy) noexcept {
  copy(0, size);
}
#endif

}  // namespace shm::detail
