// Watch point: what a thread looks at, asks for and sleeps at when it waits for a change.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "../base/crash_point.hpp"
#include "../base/deadline.hpp"
#include "../os/alarm_on_death.hpp"
#include "../os/futex.hpp"
#include "../os/process.hpp"
#include "../session/open_place.hpp"

namespace shm::detail {

/// Beside the version in the header: words of an array or map that a change is seen by before the
/// version is stored. A writer can die in between.
using words_of_change = futex_list<3>;

/// A thread that waits for a change sleeps at several words at once. The kernel queues it at one
/// after the other, and compares each, so their order matters:
///
/// - the bell, which publishers ring;
/// - the alarm, where the kernel wakes one sleeper when a publisher dies, or another sleeper that
///   was woken there; the one woken rings for the dead;
/// - the version, the life word, and the words of a change. Nobody is woken there. A change that is
///   stored before the comparison is met by it; a publisher that stores one later, and dies, meets
///   the thread at the alarm.
class watch_point {
 public:
  static constexpr std::size_t most_compared = 5;

  /// The words that tell, as they were before the thread looked at the version.
  struct glance {
    std::uint64_t life;
    std::uint64_t version;
    std::uint32_t bell;
    words_of_change change;
  };

  explicit watch_point(const open_place& place) noexcept : place_(place) {}

  const open_place& place() const noexcept { return place_; }

  template <class WordsOfChange>
  glance look(const WordsOfChange& words) const noexcept {
    const header& head = place_.head();
    // Acquire: what is looked at next is not older than these.
    return {head.life.load(std::memory_order_acquire), head.version.load(std::memory_order_acquire),
            head.bell.load(std::memory_order_acquire), words()};
  }

  /// Asks the publishers of later versions than that one to ring. The caller must then call
  /// process::barrier_everywhere(), and look at the version again: either a publisher sees that it
  /// is asked, or the caller sees its version. Returns false if this user may not ask.
  bool ask_to_ring(std::uint64_t past) const {
    if (place_.sleeping().is_closed()) return false;  // by exit(): nothing may be written there
    // Relaxed: the barrier orders it, whichever thread raised it.
    if (place_.head().watched.load(std::memory_order_relaxed) > past) return true;
    // Attaching for it takes time, so it is done for many versions at once.
    const std::uint64_t versions = place_.may_write() ? 1 : horizon;
    const bool is_asked =
        place_.edit_header([&](header& head) { raise(head.watched, past + versions); });
    crash_point("wait: watched raised");
    return is_asked;
  }

  futex_seen bell(const glance& before) const noexcept {
    return {&place_.head().bell, before.bell};
  }
  futex_seen alarm() const noexcept { return {&place_.head().alarm, 0}; }

  /// Whether the kernel wakes one of those that sleep at the alarm when a publisher dies, and when
  /// this thread dies that was woken there. A thread that could not hand the alarm on must not take
  /// it. With another value than 0, which somebody has scribbled there, the kernel does not either.
  bool has_alarm() const noexcept {
    // Relaxed: it never changes.
    return alarm_on_death::works() && place_.head().alarm.load(std::memory_order_relaxed) == 0;
  }

  /// Adds the words at which nobody is woken.
  template <std::size_t Most>
  void add_compared(const glance& before, futex_list<Most>& list) const noexcept {
    list.add(low_half(place_.head().version, before.version));
    list.add(low_half(place_.head().life, before.life));
    for (const futex_seen& one : before.change) list.add(one);
  }

  static constexpr std::chrono::milliseconds longest_unsure{100};

  /// How long to sleep before looking again, woken or not. `rings`: whether publishers were asked
  /// to, and the barrier was made.
  deadline next_look(bool rings) const noexcept {
    if (!rings) return deadline::after(std::chrono::milliseconds(1));
    return has_alarm() ? deadline::after(longest_sleep) : deadline::after(longest_unsure);
  }

 private:
  static constexpr std::uint64_t horizon = 256;

  /// It never falls: what a publisher lowers could be the wish of another thread.
  static void raise(std::atomic<std::uint64_t>& watched, std::uint64_t to) noexcept {
    // Relaxed: the barrier of the caller orders it.
    std::uint64_t seen = watched.load(std::memory_order_relaxed);
    while (seen < to && !watched.compare_exchange_weak(seen, to, std::memory_order_relaxed)) {
    }
  }

  const open_place& place_;
};

}  // namespace shm::detail
