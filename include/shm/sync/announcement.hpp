// Announcement: how a change of an object wakes all that wait for one, whatever dies meanwhile.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "../base/crash_point.hpp"
#include "../lifecycle/bell.hpp"
#include "../os/alarm_on_death.hpp"
#include "../os/process.hpp"

namespace shm::detail {

/// Tells all that wait for a change. Must be made before any process can see the change: if the
/// thread is killed from then on, the kernel wakes one of those that wait, which rings for it.
class announcement {
 public:
  explicit announcement(header& head) noexcept : if_killed_(head.alarm), head_(head) {}

  /// Stores the version. The caller must hold the lock. Never blocks.
  void of(std::uint64_t version) noexcept {
    // Relaxed: only holders write the version, and the lock orders holders.
    const std::uint64_t before = head_.version.load(std::memory_order_relaxed);
    // Release: a reader that sees the version sees the change.
    head_.version.store(version, std::memory_order_release);
    wake_if_watched(before);
  }
  void of_next() noexcept { of(head_.version.load(std::memory_order_relaxed) + 1); }

  /// Like of_next(), for a caller that need not hold the lock: of several at once each counts.
  void of_one_more() noexcept {
    // Release: a thread that sees the number sees what the caller wrote before.
    const std::uint64_t before = head_.version.fetch_add(1, std::memory_order_release);
    wake_if_watched(before);
  }

 private:
  void wake_if_watched(std::uint64_t before) noexcept {
    crash_point("announce: version stored");
    // A thread that waits does the opposite: it raises `watched`, and then looks at the version.
    process::order_store_before_load();
    // Relaxed: ordered by the barrier. Not compared with the new version, which may be several
    // further.
    if (head_.watched.load(std::memory_order_relaxed) > before) wake(head_);
  }

  [[gnu::cold, gnu::noinline]] static void wake(header& head) noexcept { ring(head); }

  alarm_on_death if_killed_;
  header& head_;
};

}  // namespace shm::detail
