// Judge: what an opener inside the door has to do with the segment that it found.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "../base/crash_point.hpp"
#include "../base/open_mode.hpp"
#include "../base/options.hpp"
#include "../format/verify.hpp"
#include "find.hpp"
#include "retire.hpp"

namespace shm::detail {

enum class verdict {
  usable,      // ready
  unfinished,  // its creator died, and it is as we would make it: construct it again, in place
  finished,    // its life is over: remove it, create anew
  gone         // removed just now
};

class judge {
 public:
  judge(const key& which, open_mode mode, const options& how, const blueprint& plan,
        std::size_t total_size, const subject& about) noexcept
      : which_(which),
        mode_(mode),
        how_(how),
        plan_(plan),
        total_size_(total_size),
        about_(about) {}

  /// Throws every refusal that the segment gives reason for.
  verdict of(header& head, const segment& where, const segment_status& now, const found_set& found,
             bool set_is_new) const {
    const segment_state state = head.state.load(std::memory_order_acquire);
    const bool as_we_would_make_it = now.size == total_size_;
    if (state == segment_state::blank) {
      // Every creator makes and marks its set first, so beside such a set it is ours.
      const bool left_beside_our_set = found.marked && now.attached == 0;
      if (!as_we_would_make_it && !left_beside_our_set) refuse_foreign_segment(about_);
      // A creator marks its segment before it sits down.
      if (anybody_sits(found)) {
        refuse(errc::corrupt, about_,
               "its first bytes are zero although processes sit in its seats: somebody scribbled "
               "over the segment; end them, and remove it with shm::remove(name, shm::force)");
      }
    } else if (!is_ours(state)) {
      refuse_foreign_segment(about_);
    }
    check_trust(now.owner, how_.access, "segment", about_);
    switch (state) {
      case segment_state::blank:
        return as_we_would_make_it ? verdict::unfinished : verdict::finished;
      case segment_state::under_construction: {
        // Beside a new set an attached creator may live on, having lost the old one: leave it
        // alone.
        const bool abandoned = !set_is_new || now.attached == 0;
        return as_we_would_make_it && abandoned ? verdict::unfinished : verdict::finished;
      }
      case segment_state::removed: return verdict::finished;
      case segment_state::ready:
      case segment_state::removing: return of_ready(head, where, now, found);
    }
    refuse(errc::corrupt, about_,
           "its state makes no sense: somebody scribbled over the segment; remove it with "
           "shm::remove(name, shm::force)");
  }

 private:
  verdict of_ready(header& head, const segment& where, const segment_status& now,
                   const found_set& found) const {
    const auto facts = verified_description::read(head, now.size, which_, about_);
    const bool as_it_is = mode_ == open_mode::open_as_it_is;
    if (facts.until_last_detach() && !as_it_is && !is_in_use(where, now, &found)) {
      const result<retirement> stale = retire_if_unused(head, where);
      if (!stale.ok()) refuse_retirement(stale, about_);
      return verdict::gone;  // or looked at by somebody since: look again
    }
    if (mode_ == open_mode::create_only) {
      refuse(errc::already_exists, about_,
             "it exists; open it with shm::open_or_create, or take it away with shm::remove(name)");
    }
    facts.check_content(head, plan_, about_);
    if (head.set_id.load(std::memory_order_relaxed) != found.set.id()) {
      if (now.attached > 0 && others_stay_attached(where, time_of_a_look)) {
        if (as_it_is) {
          refuse(errc::in_use, about_,
                 "its semaphores were removed (ipcrm, or logind's RemoveIPC) while processes have "
                 "it open; end all of them, then open it: the value is kept");
        }
        // Judged by the new, empty set, a live holder of the lock would count as dead.
        const status removed = retire_by_force(head, where);
        if (!removed.ok()) refuse_segment_call("shmctl(IPC_RMID)", removed.error_number, about_);
        return verdict::gone;
      }
      // Release: pairs with nothing but the door; the seats of the old set are empty in the new
      // one.
      head.set_id.store(found.set.id(), std::memory_order_release);
      crash_point("open: set adopted");
    }
    if (head.state.load(std::memory_order_relaxed) == segment_state::removing) {
      // Somebody who wanted to remove it died before doing so.
      head.state.store(segment_state::ready, std::memory_order_seq_cst);
      crash_point("open: ready again");
    }
    return verdict::usable;
  }

  const key& which_;
  open_mode mode_;
  const options& how_;
  const blueprint& plan_;
  std::size_t total_size_;
  const subject& about_;
};

}  // namespace shm::detail
