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

}  // namespace shm::detail
