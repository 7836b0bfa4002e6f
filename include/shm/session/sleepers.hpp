// Sleepers: the threads of this process that sleep through one handle until the object changes.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "../os/process.hpp"

namespace shm::detail {

/// When a sleeping thread dies, the kernel looks at the object's memory to wake another one. So the
/// memory stays attached where exit() closes a handle beside such a thread. A forked child's copy
/// counts from 0 again: the parent's threads are not there.
class sleepers {
 public:
  /// Counts the calling thread while it lives.
  class one {
   public:
    explicit one(sleepers& all) noexcept : all_(all), is_counted_(all.add()) {}
    one(const one&) = delete;
    one& operator=(const one&) = delete;
    ~one() {
      // Release: the thread is done with the memory.
      if (is_counted_) all_.word_.fetch_sub(1, std::memory_order_release);
    }

    /// False: the handle is being closed, and the memory may go at any moment.
    bool may_sleep() const noexcept { return is_counted_; }

   private:
    sleepers& all_;
    bool is_counted_;
  };

  bool is_closed() const noexcept {
    // Relaxed: a thread that reads the old value was counted before, or is not counted.
    return (word_.load(std::memory_order_relaxed) & closed) != 0;
  }

  /// From now on no thread may go to sleep. Returns whether any sleeps.
  bool close() noexcept {
    // Acquire: those that are no longer counted are done with the memory.
    const std::uint64_t before = word_.fetch_or(closed, std::memory_order_acquire);
    return epoch_in(before) == process::current() && (before & count_mask) != 0;
  }

 private:
  // process (32 bits) | closed (1) | count (31)
  static constexpr std::uint64_t closed = std::uint64_t{1} << 31;
  static constexpr std::uint64_t count_mask = closed - 1;
  static constexpr process_epoch epoch_in(std::uint64_t word) noexcept {
    return static_cast<process_epoch>(word >> 32);
  }

  bool add() noexcept {
    const process_epoch here = process::current();
    // Relaxed: see the exchange.
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    for (;;) {
      if ((seen & closed) != 0) return false;
      const std::uint64_t fresh = std::uint64_t{here} << 32;
      const std::uint64_t next = (epoch_in(seen) == here ? seen : fresh) + 1;
      // Relaxed: the word alone tells whether this thread or the closing of the handle came first.
      if (word_.compare_exchange_weak(seen, next, std::memory_order_relaxed)) return true;
    }
  }

  std::atomic<std::uint64_t> word_{0};
};

}  // namespace shm::detail
