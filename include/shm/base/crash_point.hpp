// Crash points: named steps of every protocol at which the tests kill the process.
// SPDX-License-Identifier: MIT
#pragma once

namespace shm::detail {

#ifdef SHM_CRASH_POINTS
inline void (*crash_point_hook)(const char* step) = nullptr;

inline void crash_point(const char* step) noexcept {
  if (crash_point_hook != nullptr) crash_point_hook(step);
}
#else
constexpr void crash_point(const char*) noexcept {}
#endif

}  // namespace shm::detail
