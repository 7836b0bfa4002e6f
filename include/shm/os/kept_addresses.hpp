// Kept addresses: where segments were attached; nothing else is mapped there for some time.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstddef>

namespace shm::detail {

/// A thread may still use a handle that another thread has closed, as exit() closes static ones. It
/// must die of SIGSEGV. If the kernel mapped another segment at the same addresses, the thread
/// would write there instead, and take a lock of another object.
class kept_addresses {
 public:
  enum class span { some_time, until_the_process_ends };

  /// Unmaps a whole mapping and reserves its addresses. Address space is used, and no memory. A
  /// range that is kept for some time is given back when the ranges kept since are more than
  /// `most_ranges`, or longer than `most_bytes`. Returns false if the kernel refuses; then the
  /// mapping is as before.
  static bool replace(void* address, std::size_t length, span how_long) noexcept {
    if (::mmap(address, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
               -1, 0) == MAP_FAILED) {
      return false;
    }
    if (how_long == span::some_time) remember({address, length});
    return true;
  }

 private:
  struct range {
    void* address;
    std::size_t length;
  };
  static constexpr std::size_t most_ranges = 64;
  static constexpr std::size_t most_bytes = std::size_t{1} << 30;

  /// If another thread is here, or was here when this process was forked, the range is kept until
  /// the process ends.
  static void remember(const range& newest) noexcept {
    // Acquire and release: one thread at a time changes what follows.
    if (busy_.test_and_set(std::memory_order_acquire)) return;
    release_if_full(newest.length);
    ranges_[(first_ + number_++) % most_ranges] = newest;
    bytes_ += newest.length;
    busy_.clear(std::memory_order_release);
  }

  static void release_if_full(std::size_t more) noexcept {
    while (number_ == most_ranges || (number_ != 0 && bytes_ + more > most_bytes)) {
      const range oldest = ranges_[first_];
      ::munmap(oldest.address, oldest.length);
      bytes_ -= oldest.length;
      first_ = (first_ + 1) % most_ranges;
      --number_;
    }
  }

  static inline std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
  static inline std::array<range, most_ranges> ranges_{};  // a queue
  static inline std::size_t first_ = 0;
  static inline std::size_t number_ = 0;
  static inline std::size_t bytes_ = 0;
};

}  // namespace shm::detail
