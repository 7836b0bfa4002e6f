// Timespec: a span of time as the kernel takes it.
// SPDX-License-Identifier: MIT
#pragma once

#include <time.h>

#include <chrono>
#include <ctime>

namespace shm::detail {

/// Precondition: the span is not negative.
inline timespec to_timespec(std::chrono::nanoseconds span) noexcept {
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(span);
  timespec time{};
  time.tv_sec = static_cast<std::time_t>(whole.count());
  time.tv_nsec = static_cast<long>((span - whole).count());
  return time;
}

}  // namespace shm::detail
