// Retire: ends the life of a segment, if nobody uses it, or by force.
// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>

#include "../base/crash_point.hpp"
#include "../base/deadline.hpp"
#include "../os/refusals.hpp"
#include "../os/segment.hpp"
#include "life.hpp"

namespace shm::detail {

enum class retirement {
  done,
  in_use,   ///< others are attached
  changed,  ///< another process changed the life word: start again
  reusable  ///< nobody is attached, but this user may not remove it: now under construction
};

/// The outcome, and the call that failed if there is an error.
struct ending {
  retirement value;
  int error_number = 0;
  const char* call = "";

  bool ok() const noexcept { return error_number == 0; }
};

[[noreturn]] inline void refuse_ending(const ending& failed, const subject& about) {
  refuse_segment_call(failed.call, failed.error_number, about);
}

inline constexpr const char* asking_for_the_right = "shmctl(IPC_SET), as before IPC_RMID";

// Precondition of each function here: the caller holds the door behind which `word` is changed, and
// is attached, so that the segment's id cannot name another one.

/// Precondition: the word says removed. If this process dies first, the next process that finds the
/// segment removes it.
inline ending remove_segment(const segment& where) noexcept {
  const status gone = where.remove();
  if (!gone.ok() && !means_gone(gone.error_number)) {
    return {retirement::done, gone.error_number, "shmctl(IPC_RMID)"};
  }
  crash_point("retire: segment gone");
  return {retirement::done};
}

/// Removes the segment in any state. If this user may not remove it, fails and changes nothing.
inline ending discard(life& word, const segment& where) noexcept {
  if (word.state() != life_state::removed) {
    const status right = where.may_remove();
    if (!right.ok()) return {retirement::in_use, right.error_number, asking_for_the_right};
    crash_point("retire: right asked");
    if (!word.change_to(life_state::removed)) return {retirement::changed};
    crash_point("retire: removed");
  }
  return remove_segment(where);
}

/// Removes the segment unless others are attached. Precondition: the word says ready or removing,
/// and was changed behind this door. If this process is killed at any step, the next one inside the
/// door goes on from what the word says. `may_reuse`: the caller is an opener that would construct
/// an object of the same size.
inline ending retire_if_unused(life& word, const segment& where, bool may_reuse) noexcept {
  // First removing, then the count. A reader attaches first and then reads the word, so either it
  // is counted, or it sees that it has to look again.
  if (!word.change_to(life_state::removing)) return {retirement::changed};
  crash_point("retire: removing");
  const result<segment_status> now = where.stat();
  crash_point("retire: counted");
  ending outcome{retirement::in_use, now.error_number, "shmctl(IPC_STAT)"};
  if (now.ok() && now.value.attached == 1) {
    outcome = discard(word, where);
    if (outcome.ok() || word.state() == life_state::removed) return outcome;
  }
  const bool reuse = may_reuse && outcome.error_number == EPERM;
  if (reuse) outcome = {retirement::reusable};
  if (!word.change_to(reuse ? life_state::under_construction : life_state::ready)) {
    return {retirement::changed};
  }
  crash_point("retire: given up");
  return outcome;
}

/// Attached processes find it at their next lock, load or wake-up.
inline ending retire_by_force(life& word, const segment& where) noexcept {
  const status right = where.may_remove();
  if (!right.ok()) return {retirement::in_use, right.error_number, asking_for_the_right};
  crash_point("force: right asked");
  word.end();
  crash_point("force: removed");
  return remove_segment(where);
}

/// The time given to processes that only look. They are attached for some microseconds, as `shm ls`
/// is, and nothing tells when they have gone. It begins when the first one is met. Nobody waits
/// inside the door meanwhile: the caller leaves it and starts again.
class grace {
 public:
  explicit grace(std::chrono::milliseconds span) noexcept : span_(span) {}

  bool is_over() noexcept {
    crash_point("retire: others attached");
    if (end_.is_never()) end_ = deadline::after(span_);
    return end_.passed();
  }

 private:
  std::chrono::milliseconds span_;
  deadline end_ = deadline::never();  ///< not begun
};

}  // namespace shm::detail
