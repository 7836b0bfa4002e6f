// Permit pool: permits of a semaphore, taken by semop; those of a dead process come back.
// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>

#include "../base/crash_point.hpp"
#include "../base/deadline.hpp"
#include "../session/connection.hpp"

namespace shm::detail {

class permit_pool {
 public:
  explicit permit_pool(connection& place) noexcept : place_(place) {}

  /// Blocks while no permit is free, at most until the deadline; then returns false. Throws
  /// removed, limit_reached, corrupt. In a forked child's copy of a handle, sits down first.
  bool take(const deadline& until) {
    if (!place_.identity(until).has_seat()) return false;
    const connection::waiting_thread waiting(place_);
    if (!take_or_wait(until)) return false;
    place_.begin_use();  // until give_back()
    return true;
  }

  /// The caller must have taken a permit, in this process. Never blocks, never throws. Does not
  /// touch the memory, which may be gone with a handle that exit() closed.
  void give_back() noexcept {
    // Fails if the set is gone, and the permits with it. If somebody changed the set or its
    // permissions by hand, the kernel gives the permit back when the process ends.
    static_cast<void>(place_.set().give_permit());
    crash_point("permit: given back");
    place_.end_use();
  }

  /// Never blocks. Throws removed.
  unsigned free() const {
    if (place_.is_removed()) refuse_removed(place_.about());
    const result<int> now = place_.set().value(semaphore::permits);
    if (means_gone(now.error_number)) refuse_removed(place_.about());
    if (!now.ok()) refuse_set_call("semctl(GETVAL)", now.error_number, place_.about());
    // In another IPC namespace the id can be a stranger's set.
    place_.require_own_set();
    return static_cast<unsigned>(now.value);
  }

 private:
  bool take_or_wait(const deadline& until) {
    for (;;) {
      if (place_.is_removed()) refuse_removed(place_.about());
      status taken = place_.set().try_take_permit();
      if (taken.error_number == EAGAIN) {
        // No permit is free; or it is a stranger's set, whose semaphores stay untouched.
        place_.require_own_set();
        if (until.passed()) return false;
        crash_point("permit: before sleep");
        // In slices: a remover that died before the set was gone wakes nobody.
        taken = place_.set().take_permit(until.or_earlier(deadline::after(longest_sleep)));
        if (taken.error_number == EAGAIN) continue;
      }
      if (means_gone(taken.error_number)) refuse_removed(place_.about());
      if (!taken.ok()) refuse_set_call("semtimedop(permits)", taken.error_number, place_.about());
      crash_point("permit: taken");
      return true;
    }
  }

  connection& place_;
};

}  // namespace shm::detail
