// Spin: a short, polite wait for a lock that is about to be free.
// SPDX-License-Identifier: MIT
#pragma once

namespace shm::detail {

inline void pause_briefly() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");  // on most of these cores a yield takes no time
#elif defined(__arm__)
  __asm__ volatile("yield");
#endif
}

/// Tries ever more rarely: each look takes the holder's cache line away, and a lock that changes
/// hands at every release is the slowest of all. In all about as long as it takes to be woken.
template <class Attempt>
bool spin_until(Attempt attempt) noexcept {
  constexpr int first = 16, last = 256;
  for (int pauses = first;; pauses *= 2) {
    if (attempt()) return true;
    if (pauses > last) return false;
    for (int i = 0; i < pauses; ++i) pause_briefly();
  }
}

}  // namespace shm::detail
