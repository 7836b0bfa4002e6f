// Pause: gives the processor away for a while; no thread is cancelled meanwhile.
// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>

#include <chrono>
#include <thread>

namespace shm::detail {

/// Sleeping is a cancellation point. A thread that is cancelled in a destructor, or inside a
/// function that must not throw, would take the whole program with it.
inline void pause_for(std::chrono::microseconds span) noexcept {
  int before = 0;
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  std::this_thread::sleep_for(span);
  ::pthread_setcancelstate(before, nullptr);
}

}  // namespace shm::detail
