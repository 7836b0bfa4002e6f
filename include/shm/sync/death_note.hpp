// Death note: what later holders are told of one who died inside, until somebody has repaired.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

#include "../base/crash_point.hpp"
#include "../format/header.hpp"

namespace shm::detail {

/// By who has just taken a mutex over. Killed before this, the next holder takes over from us, and
/// notes it.
inline void note_death_in_mutex(header& head) noexcept {
  // Release: whoever is told sees what the dead holder left.
  head.section.fetch_or(section_bit::owner_died, std::memory_order_release);
  crash_point("mutex: death noted");
}

/// By the holder.
inline void note_repair_of_mutex(header& head) noexcept {
  // Release: whoever sees it repaired sees the repair.
  head.section.fetch_and(~section_bit::owner_died, std::memory_order_release);
  crash_point("mutex: marked repaired");
}

/// By the holder, when no element is half-written any more.
inline void note_repair_of_array(header& head) noexcept {
  crash_point("array: bulk repaired");
  // Release: whoever sees it repaired sees the repair.
  head.section.fetch_and(~section_bit::owner_died, std::memory_order_release);
  crash_point("array: marked repaired");
}

}  // namespace shm::detail
