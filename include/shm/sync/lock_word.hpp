// Lock word: one 64-bit value that says who holds a lock, down to the thread.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "../lifecycle/seat.hpp"

namespace shm::detail {

/// generation (30 bits) | seat (11) | thread (22) | 0. All zeros: free.
class lock_word {
 public:
  explicit lock_word(std::uint64_t bits) noexcept : bits_(bits) {}
  lock_word(seat_identity who, std::uint32_t thread) noexcept
      : bits_(who.bits() | std::uint64_t{thread & thread_mask} << 1) {}

  std::uint64_t bits() const noexcept { return bits_; }
  bool is_free() const noexcept { return bits_ == 0; }
  seat_identity holder() const noexcept { return seat_identity::in(bits_); }
  /// The kernel's id of the thread, in the PID namespace of the holder: to be shown to people.
  std::uint32_t thread() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> 1) & thread_mask;
  }

 private:
  static constexpr std::uint32_t thread_mask = (1u << 22) - 1;

  std::uint64_t bits_;
};

}  // namespace shm::detail
