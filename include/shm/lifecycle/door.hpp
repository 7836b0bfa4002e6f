// Door: one process at a time creates, joins or removes; killed inside, it leaves it open.
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "../base/crash_point.hpp"
#include "../base/deadline.hpp"
#include "../os/refusals.hpp"

namespace shm::detail {

class door {
 public:
  /// Blocks until the door is free, at most until the deadline: then throws errc::timed_out, naming
  /// who is inside. Nothing when the set is gone.
  static std::optional<door> enter(const semaphore_set& set, const deadline& until,
                                   const subject& about) {
    const status entered = set.enter_door(until);
    if (entered.ok()) {
      crash_point("door: entered");
      return door(set);
    }
    if (means_gone(entered.error_number)) return std::nullopt;
    if (entered.error_number == EAGAIN) refuse_timed_out(set, about);
    refuse_set_call("semtimedop(door)", entered.error_number, about);
  }

  door(door&& other) noexcept : set_(other.set_), inside_(std::exchange(other.inside_, false)) {}
  door& operator=(door&&) = delete;

  ~door() { leave(); }

  /// Fails only when the set is gone, and then there is no door to leave.
  void leave() noexcept {
    if (!std::exchange(inside_, false)) return;
    static_cast<void>(set_.leave_door());
    crash_point("door: left");
  }

  [[noreturn]] static void refuse_timed_out(const semaphore_set& set, const subject& about) {
    refuse(errc::timed_out, about,
           process_name(set.last_process(semaphore::door)) +
               " is creating, opening or removing this object and does not finish; look at that "
               "process, or wait longer with options::open_timeout");
  }

 private:
  explicit door(const semaphore_set& set) noexcept : set_(set) {}

  semaphore_set set_;
  bool inside_ = true;
};

}  // namespace shm::detail
