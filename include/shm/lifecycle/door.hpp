// Door: one process at a time creates, joins or removes; killed inside, it leaves it open.
// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "../base/crash_point.hpp"
#include "../base/deadline.hpp"
#include "../os/process.hpp"
#include "../os/refusals.hpp"

namespace shm::detail {

class door {
 public:
  door() = default;

  /// Blocks until the door is free, at most until the deadline; then throws errc::timed_out and
  /// names the process inside. Returns a door that was not entered if the set is gone, or if the id
  /// names another set.
  static door enter(const semaphore_set& set, const deadline& until, const subject& about);

  struct entry;
  /// Like enter(), but returns the error. EAGAIN: the deadline passed. EIDRM: the id names another
  /// set by now.
  static entry try_enter(const semaphore_set& set, const deadline& until) noexcept;

  door(door&& other) noexcept
      : set_(other.set_),
        values_(std::move(other.values_)),
        inside_(std::exchange(other.inside_, false)) {}
  door& operator=(door&&) = delete;

  ~door() { leave(); }

  /// Fails only when the set is gone, and then there is no door to leave.
  void leave() noexcept {
    if (!std::exchange(inside_, false)) return;
    static_cast<void>(set_.leave_door(process::short_incarnation()));
    crash_point("door: left");
  }

  /// With its mark.
  const semaphore_set& set() const noexcept { return set_; }
  /// The values at the moment when this process entered. A seat that was free then is free still:
  /// nobody sits down outside the door.
  const set_values& values() const noexcept { return values_; }
  bool is_entered() const noexcept { return inside_; }

  /// Returns false if the set was removed, and the door with it. Other processes may be inside the
  /// door of a new set.
  bool is_held(const subject& about) const {
    const result<bool> same = set_.is_itself();
    if (!same.ok() && !means_gone(same.error_number)) {
      refuse_set_call("semctl(GETVAL)", same.error_number, about);
    }
    return same.value;
  }

  /// Whether anybody sat here when this process entered.
  bool somebody_sat() const noexcept { return values_.somebody_sits(set_.semaphores()); }

  [[noreturn]] static void refuse_timed_out(const semaphore_set& set, const subject& about) {
    refuse(errc::timed_out, about,
           process_name(set.last_process(semaphore::door)) +
               " is creating, opening or removing this object and does not finish; look at that "
               "process, or wait longer with options::open_timeout");
  }

 private:
  explicit door(const semaphore_set& set) noexcept : set_(set.with_mark(0)), inside_(true) {}

  /// Random enough: two sets of one name must not have the same mark, and nobody gains by guessing
  /// one.
  static set_mark draw_mark(int set_id) noexcept {
    const auto now = deadline::clock::now().time_since_epoch().count();
    std::uint64_t mixed = process::incarnation() + static_cast<std::uint64_t>(now) +
                          (static_cast<std::uint64_t>(set_id) << 32);
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    mixed ^= mixed >> 31;
    const auto mark = static_cast<set_mark>(mixed) & ((1u << set_mark_bits) - 1);
    return (mark & ((1u << mark_low_bits) - 1)) == 0 ? mark + 1 : mark;
  }

  /// Opens the door if a program that this process ran before an exec left it closed: one thread
  /// called exec while another was inside. The value of the semaphore tells the program.
  static void let_out_program_before_exec(const semaphore_set& set) noexcept {
    const result<int> pid = set.last_process(semaphore::door);
    if (!pid.ok() || pid.value != ::getpid()) return;
    const result<int> program = set.value(semaphore::door);
    if (!program.ok() || program.value == 0) return;
    // Another thread of ours; or of a copy of this library with layout 1, which enters by 1.
    if (program.value == process::short_incarnation() || program.value == 1) return;
    // EAGAIN: another thread of ours did it.
    static_cast<void>(set.leave_door(static_cast<short>(program.value)));
  }

  semaphore_set set_;
  set_values values_;
  bool inside_ = false;
};

struct door::entry {
  door inside;
  int error_number = 0;
  const char* call = "";  ///< that failed

  bool ok() const noexcept { return error_number == 0; }
};

inline door::entry door::try_enter(const semaphore_set& set, const deadline& until) noexcept {
  if (set.mark() != 0) {
    // In another IPC namespace the id can be a stranger's set, which stays untouched.
    const result<bool> same_set = set.is_itself();
    if (!same_set.ok()) return {{}, same_set.error_number, "semctl(GETVAL)"};
    if (!same_set.value) return {{}, EIDRM, "semctl(GETVAL)"};
  }
  status entered = set.try_enter_door(process::short_incarnation());
  if (entered.error_number == EAGAIN && !until.passed()) {
    let_out_program_before_exec(set);
    entered = set.enter_door(process::short_incarnation(), until);
  }
  if (!entered.ok()) return {{}, entered.error_number, "semtimedop(door)"};
  crash_point("door: entered");
  door inside(set);  // leaves it unless all goes well
  result<set_values> now = set.values();
  if (!now.ok()) return {{}, now.error_number, "semctl(GETALL)"};
  // Only inside the door is it certain which set the id names: other processes remove the set only
  // in here.
  set_mark mark = now.value.mark();
  if (set.mark() != 0 && set.mark() != mark) return {{}, EIDRM, "semctl(GETALL)"};
  if (mark == 0) {
    mark = draw_mark(set.id());
    const status put = set.put_mark(mark);
    if (!put.ok()) return {{}, put.error_number, "semop(mark)"};
    crash_point("door: mark drawn");
  }
  inside.set_ = set.with_mark(mark);
  inside.values_ = std::move(now.value);
  return {std::move(inside)};
}

inline door door::enter(const semaphore_set& set, const deadline& until, const subject& about) {
  entry found = try_enter(set, until);
  if (found.ok()) return std::move(found.inside);
  if (means_gone(found.error_number)) return {};
  if (found.error_number == EAGAIN) refuse_timed_out(set, about);
  refuse_set_call(found.call, found.error_number, about);
}

}  // namespace shm::detail
