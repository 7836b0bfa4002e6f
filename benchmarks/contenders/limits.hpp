// Limits: the least a lock can do: one that spins, and one that can sleep.
// SPDX-License-Identifier: MIT
#pragma once

// Neither outlives its holder.

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "site.hpp"

namespace bench {

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ volatile("yield");
#endif
}

/// What lies in zeroed memory and holds nothing else.
struct nothing_to_own {
  explicit nothing_to_own(const site&) {}
};

class spin_lock {
 public:
  static constexpr const char* name = "spin CAS";
  using owner = nothing_to_own;

  explicit spin_lock(const site& where) : word_(where.at_begin<std::atomic<std::uint32_t>>()) {}
  void lock() {
    for (std::uint32_t free = 0; !word_.compare_exchange_weak(free, 1, std::memory_order_acquire);
         free = 0) {
      while (word_.load(std::memory_order_relaxed) != 0) relax();
    }
  }
  void unlock() { word_.store(0, std::memory_order_release); }

 private:
  std::atomic<std::uint32_t>& word_;
};

/// Free, held, or held while somebody may sleep. Looks ever more rarely before it sleeps, as ours:
/// so it is the limit of such a lock.
class futex_lock {
 public:
  static constexpr const char* name = "raw futex";
  using owner = nothing_to_own;

  explicit futex_lock(const site& where) : word_(where.at_begin<std::atomic<std::uint32_t>>()) {}
  void lock() {
    if (!take()) wait();
  }
  void unlock() {
    if (word_.exchange(free, std::memory_order_release) == awaited) {
      checked(call(FUTEX_WAKE, 1), "futex");
    }
  }

 private:
  enum : std::uint32_t { free, held, awaited };

  bool take() {
    std::uint32_t expected = free;
    return word_.compare_exchange_strong(expected, held, std::memory_order_acquire);
  }
  [[gnu::noinline]] void wait() {
    for (int pauses = 16; pauses <= 256; pauses *= 2) {
      if (word_.load(std::memory_order_relaxed) == free && take()) return;
      for (int i = 0; i < pauses; ++i) relax();
    }
    while (word_.exchange(awaited, std::memory_order_acquire) != free) {
      if (call(FUTEX_WAIT, awaited) == -1 && errno != EAGAIN && errno != EINTR) {
        throw std::system_error(errno, std::system_category(), "futex");
      }
    }
  }
  int call(int operation, std::uint32_t value) {
    return static_cast<int>(::syscall(SYS_futex, &word_, operation, value, nullptr, nullptr, 0));
  }

  std::atomic<std::uint32_t>& word_;
};

}  // namespace bench
