// Set values: what each semaphore of a set means, and the values of all of them at one moment.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace shm::detail {

/// The semaphores of a set. All zeros is the valid resting state, so a new set needs no
/// initialisation, except of a shm::semaphore, whose permits are put in behind the door. SETVAL and
/// SETALL are never used: they erase other processes' undo records.
namespace semaphore {
inline constexpr unsigned short door = 0;       // not 0 while one process creates, joins or removes
inline constexpr unsigned short wake = 1;       // tokens for sleepers on the lock
inline constexpr unsigned short raw = 2;        // ≥ 1 while somebody edits an array in place
inline constexpr unsigned short permits = raw;  // of a shm::semaphore: those that are free
inline constexpr unsigned short ours = 3;       // 0, or the value that says that this set is ours
inline constexpr unsigned short mark_low = 4;   // the mark: which set of ours
inline constexpr unsigned short mark_high = 5;  //
inline constexpr unsigned short first_seat = 6;  // ≥ 1 while the handle that sits there lives
inline constexpr short ours_value = 0x5348;      // "SH"
}  // namespace semaphore

inline constexpr unsigned most_permits = 32767;  // a semaphore holds no more

/// A random number that tells a set from every other one: the kernel uses an id again after some
/// four million sets, and in another IPC namespace the same id is another set. 0 while not drawn.
using set_mark = std::uint32_t;
inline constexpr unsigned set_mark_bits = 29;
inline constexpr unsigned mark_low_bits = 15;  // a semaphore holds no more

constexpr set_mark mark_of(int low, int high) noexcept {
  return static_cast<set_mark>(low) | static_cast<set_mark>(high) << mark_low_bits;
}

constexpr short low_part(set_mark mark) noexcept {
  return static_cast<short>(mark & ((1u << mark_low_bits) - 1));
}
constexpr short high_part(set_mark mark) noexcept {
  return static_cast<short>(mark >> mark_low_bits);
}

/// The values of all semaphores at one moment.
class set_values {
 public:
  /// Room for the largest set that semop can address: the kernel is not told how much room there
  /// is, and the id may name a larger set by now.
  static constexpr std::size_t most = 65536;

  unsigned short operator[](std::size_t which) const noexcept { return all_[which]; }
  set_mark mark() const noexcept {
    return mark_of(all_[semaphore::mark_low], all_[semaphore::mark_high]);
  }

  /// Whether any seat is taken, in a set with that number of semaphores.
  bool somebody_sits(unsigned semaphores) const noexcept {
    for (unsigned i = semaphore::first_seat; i < semaphores; ++i) {
      if (all_[i] != 0) return true;
    }
    return false;
  }

  /// For semctl(GETALL) to write to; null where there is no memory. Only the first `semaphores` are
  /// ever read: they are 0 where the set has fewer.
  unsigned short* allocate(unsigned semaphores) noexcept {
    all_.reset(new (std::nothrow) unsigned short[most]);
    if (all_) std::fill_n(all_.get(), std::max<unsigned>(semaphores, semaphore::first_seat), 0);
    return all_.get();
  }

 private:
  std::unique_ptr<unsigned short[]> all_;
};

}  // namespace shm::detail
