// Retire: takes a segment away, but only when nobody is attached, or by force.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <thread>

#include "../base/crash_point.hpp"
#include "../base/deadline.hpp"
#include "../format/header.hpp"
#include "../os/refusals.hpp"
#include "../os/segment.hpp"
#include "find.hpp"

namespace shm::detail {

enum class retirement {
  done,
  in_use,
  not_counted,  ///< the kernel did not tell how many are attached
  not_removed   ///< the kernel did not let us
};

[[noreturn]] inline void refuse_retirement(const result<retirement>& outcome,
                                           const subject& about) {
  const bool counted = outcome.value != retirement::not_counted;
  refuse_segment_call(counted ? "shmctl(IPC_RMID)" : "shmctl(IPC_STAT)", outcome.error_number,
                      about);
}

/// Of one that is kept from running, too.
inline constexpr std::chrono::milliseconds time_of_a_look{10};

/// Whether anybody but this call, which is attached once, is so for longer than that; when the
/// kernel does not tell, somebody is. Who only looks (shm ls) is attached for microseconds, and
/// nothing tells when the number falls.
inline bool others_stay_attached(const segment& where, std::chrono::milliseconds span) noexcept {
  crash_point("retire: others attached");
  const deadline end = deadline::after(span);
  for (;;) {
    const bool is_last_look = end.passed();
    const result<segment_status> now = where.stat();
    if (now.ok() && now.value.attached <= 1) return false;
    if (!now.ok() || is_last_look) return true;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
}

/// Whether somebody uses it. `before`: as it was before this call attached.
inline bool is_in_use(const segment& where, const segment_status& before, const found_set* beside) {
  if (before.attached == 0) return false;
  const bool seated = beside != nullptr && anybody_sits(*beside);
  return seated || others_stay_attached(where, time_of_a_look);
}

/// Inside the door, attached exactly once by this call. A killed caller leaves it ready, removing
/// (which live handles treat as ready) or removed: the next one inside the door goes on from there.
inline result<retirement> retire_if_unused(header& head, const segment& where) noexcept {
  const segment_state before = head.state.load(std::memory_order_relaxed);
  // Sequentially consistent, as the reader's load: a reader that attaches and then still sees ready
  // has attached before we count; one that we do not count sees that we are removing.
  head.state.store(segment_state::removing, std::memory_order_seq_cst);
  crash_point("retire: removing");
  const result<segment_status> now = where.stat();
  const segment_state otherwise =
      before == segment_state::removing ? segment_state::ready : before;  // a dead remover's
  if (!now.ok() || now.value.attached > 1) {
    head.state.store(otherwise, std::memory_order_seq_cst);
    if (!now.ok()) return {retirement::not_counted, now.error_number};
    return {retirement::in_use, 0};
  }
  head.state.store(segment_state::removed, std::memory_order_seq_cst);
  crash_point("retire: removed");
  const status removed = where.remove();
  if (!removed.ok() && !means_gone(removed.error_number)) {
    head.state.store(otherwise, std::memory_order_seq_cst);
    return {retirement::not_removed, removed.error_number};
  }
  crash_point("retire: segment gone");
  return {retirement::done, 0};
}

/// Everyone attached finds it at the next lock, load or wake-up. The set goes after the segment.
inline status retire_by_force(header& head, const segment& where) noexcept {
  const segment_state before =
      head.state.exchange(segment_state::removed, std::memory_order_seq_cst);
  crash_point("force: removed");
  const status removed = where.remove();
  if (!removed.ok() && !means_gone(removed.error_number)) {
    head.state.store(before, std::memory_order_seq_cst);
    return removed;
  }
  crash_point("force: segment gone");
  return {};
}

}  // namespace shm::detail
