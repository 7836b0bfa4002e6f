// Life: changes of the life word, each by compare-and-swap from the word that was read.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

#include "../base/crash_point.hpp"
#include "../format/header.hpp"
#include "../os/alarm_on_death.hpp"
#include "../os/segment.hpp"
#include "bell.hpp"

namespace shm::detail {

/// Precondition: the process holds the door of a set, and is attached. The life word names the set
/// behind whose door it was last changed. A semaphore set can be removed while a process is inside
/// its door (ipcrm, RemoveIPC). That process does not notice, and others make a new set. So a
/// failed change means that this process came too late: it leaves everything and starts again.
class life {
 public:
  /// `here`: the mark of the set whose door this process holds.
  life(header& head, set_mark here) noexcept
      // Sequentially consistent, after attaching: see retire_if_unused().
      : head_(head), here_(here), seen_(head.life.load(std::memory_order_seq_cst)) {}

  /// The word as it was read, or as this object last changed it.
  life_word seen() const noexcept { return seen_; }
  life_state state() const noexcept { return seen_.state(); }
  /// Whether it was last changed behind the very door that this process holds.
  bool was_changed_here() const noexcept {
    return seen_.mark() == here_ || seen_.is_of_layout_1();  // which does not say
  }

  /// Returns false if another process has changed the word since it was read. Wakes threads that
  /// wait for a change of the object, if it is removed.
  [[nodiscard]] bool change_to(life_state next) noexcept {
    const alarm_on_death if_killed(head_.alarm);
    std::uint64_t expected = seen_.bits();
    const life_word word = seen_.followed_by(next, here_);
    // Sequentially consistent: ready publishes what was constructed, removing comes before the
    // count of those who are attached, and removed before the removal of the segment.
    if (!head_.life.compare_exchange_strong(expected, word.bits(), std::memory_order_seq_cst)) {
      return false;
    }
    seen_ = word;
    wake_if_removed();
    return true;
  }

  /// Stores removed, whatever the word says by now, and wakes threads that wait for a change.
  /// Precondition: this process may remove the segment.
  void end() noexcept {
    const alarm_on_death if_killed(head_.alarm);
    seen_ = seen_.followed_by(life_state::removed, here_);
    // Sequentially consistent: all who are attached can see it before the segment goes.
    head_.life.store(seen_.bits(), std::memory_order_seq_cst);
    wake_if_removed();
  }

 private:
  void wake_if_removed() noexcept {
    if (state() != life_state::removed) return;
    crash_point("life: removed");
    ring(head_);
  }

  header& head_;
  set_mark here_;
  life_word seen_;
};

inline life_word life_of(const header& head) noexcept {
  // Sequentially consistent, after attaching: see retire_if_unused().
  return life_word(head.life.load(std::memory_order_seq_cst));
}

inline bool is_removed(const header& head) noexcept {
  // Relaxed: the word says only whether to go on, and orders nothing.
  return life_word(head.life.load(std::memory_order_relaxed)).state() == life_state::removed;
}

}  // namespace shm::detail
