// Death note: what later holders are told of a holder that died, until somebody has repaired.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

#include "../base/crash_point.hpp"
#include "../format/header.hpp"
#include "announcement.hpp"

namespace shm::detail {

/// The caller must have just taken the mutex over. If it is killed before this, the next holder
/// takes over from it, and notes the death. Threads that wait on the mutex are notified.
inline void note_death_in_mutex(header& head) noexcept {
  announcement news(head);
  // Release: a process that is told sees what the dead holder left.
  head.section.fetch_or(section_bit::owner_died, std::memory_order_release);
  crash_point("mutex: death noted");
  news.of_one_more();
}

/// The caller must hold the lock.
inline void note_repair_of_mutex(header& head) noexcept {
  // Release: a process that sees it repaired sees the repair.
  head.section.fetch_and(~section_bit::owner_died, std::memory_order_release);
  crash_point("mutex: marked repaired");
}

/// The caller must hold the lock, and no element may be half-written any more.
inline void note_repair_of_array(header& head) noexcept {
  crash_point("array: bulk repaired");
  // Release: a process that sees it repaired sees the repair.
  head.section.fetch_and(~section_bit::owner_died, std::memory_order_release);
  crash_point("array: marked repaired");
}

}  // namespace shm::detail
