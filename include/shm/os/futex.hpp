// Futex: words that threads of all processes sleep at, and are woken at.
// SPDX-License-Identifier: MIT
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>

#include "../base/deadline.hpp"
#include "result.hpp"
#include "timespec.hpp"

namespace shm::detail {

using futex_word = std::atomic<std::uint32_t>;

/// A word, and the value for which a thread is ready to sleep there.
struct futex_seen {
  const void* word;
  std::uint32_t value;
};

/// The low half of a 64-bit word, which comes first.
inline futex_seen low_half(const std::atomic<std::uint64_t>& word, std::uint64_t seen) noexcept {
  return {&word, static_cast<std::uint32_t>(seen)};
}

/// Some words and what they held.
template <std::size_t Most>
class futex_list {
 public:
  void add(futex_seen one) noexcept { words_[size_++] = one; }
  std::size_t size() const noexcept { return size_; }
  const futex_seen* begin() const noexcept { return words_.data(); }
  const futex_seen* end() const noexcept { return begin() + size_; }

 private:
  std::array<futex_seen, Most> words_{};
  std::size_t size_ = 0;
};

/// Every function works through a read-only attachment, too.
class futex {
 public:
  /// Wakes all threads that sleep at the word.
  static void wake_all(const futex_word& word) noexcept {
    // Fails only for an address that is not mapped.
    static_cast<void>(::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0));
  }

  /// Sleeps at one word. EAGAIN: it holds another value. ETIMEDOUT, EINTR.
  static status wait(futex_seen at, const deadline& until) noexcept {
    const timespec span = to_timespec(until.remaining());
    return status::of(
        static_cast<int>(::syscall(SYS_futex, at.word, FUTEX_WAIT, at.value, &span, nullptr, 0)));
  }

  /// Whether a sleep failed for a reason that will stay.
  static bool is_refused(int error_number) noexcept {
    return error_number != 0 && error_number != EAGAIN && error_number != ETIMEDOUT &&
           error_number != EINTR;
  }

  /// Sleeps at several words. Returns the place in the list of a word that it was woken at; the
  /// last one, if it was woken at several. The kernel queues the thread at one word after the
  /// other, and compares each before it goes on to the next. EAGAIN: a word holds another value.
  /// ETIMEDOUT, EINTR. ENOSYS: the kernel is older than 5.16. Another error: a sandbox.
  template <std::size_t Most>
  static result<std::size_t> wait_any(const futex_list<Most>& list,
                                      const deadline& until) noexcept {
    std::array<waiter, Most> waiters;
    waiter* next = waiters.data();
    for (const futex_seen& one : list) {
      // NOLINTNEXTLINE: the kernel's way to be told an address
      *next++ = {one.value, reinterpret_cast<std::uintptr_t>(one.word), of_32_bits, 0};
    }
    // The standard library's steady clock is the monotonic one.
    const timespec moment =
        to_timespec(deadline::clock::now().time_since_epoch() + until.remaining());
    const long woken = ::syscall(futex_waitv, waiters.data(), static_cast<unsigned>(list.size()),
                                 0u, &moment, CLOCK_MONOTONIC);
    if (woken < 0) return {0, errno};
    return {static_cast<std::size_t>(woken), 0};
  }

 private:
  // Older headers lack these.
  static constexpr long futex_waitv = 449;
  static constexpr std::uint32_t of_32_bits = 2;
  struct waiter {
    std::uint64_t value;
    std::uint64_t address;
    std::uint32_t flags;
    std::uint32_t reserved;
  };
};

}  // namespace shm::detail
