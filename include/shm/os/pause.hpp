// Pause: gives the processor away for a while; no thread is cancelled meanwhile.
// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>
#include <time.h>

#include <cerrno>
#include <chrono>

#include "timespec.hpp"

namespace shm::detail {

/// Sleeping is a cancellation point. A thread that is cancelled in a destructor, or inside a
/// function that must not throw, would take the whole program with it.
inline void pause_for(std::chrono::microseconds span) noexcept {
  int before = 0;
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  timespec left = to_timespec(span);
  while (::nanosleep(&left, &left) == -1 && errno == EINTR) {
  }
  ::pthread_setcancelstate(before, nullptr);
}

}  // namespace shm::detail
