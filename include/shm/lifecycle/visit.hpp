// Visit: looks at what lies under a key, again and again, until a try through its door succeeds.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "../base/crash_point.hpp"
#include "../base/deadline.hpp"
#include "../os/pause.hpp"
#include "create.hpp"
#include "door.hpp"
#include "find.hpp"
#include "retire.hpp"

namespace shm::detail {

/// What opening, reading and removing have in common.
class visitor {
 protected:
  visitor(const search& wanted, std::chrono::milliseconds timeout) noexcept
      : wanted_(wanted),
        until_(deadline::after(timeout)),
        about_{wanted.which.name(), wanted.which.segment_key()} {}

  /// Calls `attempt` until it returns something. An attempt returns nothing if what it found was
  /// removed or changed under it, or if another process has to go first. Throws timed_out.
  template <class Attempt>
  auto repeat(Attempt attempt) {
    constexpr unsigned enough_late_tries = 8;  // what this process clears away takes some, too
    for (unsigned tries = 0, late_tries = 0;; ++tries) {
      is_last_try_ = until_.passed();
      about_.segment_id = about_.set_id = -1;
      if (auto done = attempt()) return done;
      if (is_last_try_ && ++late_tries == enough_late_tries) {
        refuse(errc::timed_out, about_, "other processes keep creating or removing it");
      }
      if (tries > 0) pause_for(std::chrono::microseconds(100));
    }
  }

  /// Enters the door, and returns what `settle` returns there. Where there is no set, makes one by
  /// the plan that `plan_set` returns. Returns nothing without a plan, or if the set went
  /// meanwhile.
  template <class PlanSet, class Settle>
  auto inside_door(PlanSet plan_set, Settle settle)
      -> decltype(settle(std::declval<const found_set&>(), std::declval<const door&>())) {
    std::optional<found_set> found = find_set(wanted_, about_);
    if (!found) {
      crash_point("find: no set");
      // Without a set there is no door, and outside a door the state must not be changed.
      const std::optional<set_plan> plan = plan_set();
      if (plan) found = make_set(wanted_.which, *plan, about_);
    }
    if (!found || !mark_as_ours(*found, about_)) return {};
    const door inside = door::enter(found->set, until_, about_);
    if (!inside.is_entered()) return {};
    try {
      return settle(*found, inside);
    } catch (...) {
      remove_set_if_useless(inside, wanted_.which);
      throw;
    }
  }

  search wanted_;
  deadline until_;
  subject about_;
  bool is_last_try_ = false;  ///< the deadline has passed
  grace lookers_{std::chrono::milliseconds(10)};
};

}  // namespace shm::detail
