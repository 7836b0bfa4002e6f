// Judge: what an opener inside the door has to do with the segment that it found.
// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <cstddef>

#include "../base/crash_point.hpp"
#include "../base/open_mode.hpp"
#include "../format/verify.hpp"
#include "door.hpp"
#include "find.hpp"
#include "life.hpp"
#include "permits.hpp"
#include "retire.hpp"

namespace shm::detail {

enum class verdict {
  usable,      // ready: join it
  unfinished,  // under construction, by this process now: construct it in place
  again        // removed just now, or changed by somebody else: start again
};

/// What the opener expects, and what it may do.
struct expectation {
  const search& wanted;
  open_mode mode;
  const blueprint* plan;     ///< null: whatever is there
  std::size_t total_size;    ///< of the segment that it would create
  bool has_planned_options;  ///< whether seats and permissions are those that it would choose
  bool is_last_try;          ///< the deadline has passed
};

class judge {
 public:
  judge(const expectation& expected, const attached_segment& found, const door& inside,
        bool set_was_ours, grace& lookers, const subject& about) noexcept
      : expected_(expected),
        found_(found),
        inside_(inside),
        set_was_ours_(set_was_ours),
        lookers_(lookers),
        about_(about) {}

  /// Throws every refusal that the segment gives reason for.
  verdict of(life& word) const {
    if (word.seen().is_blank()) return of_blank(word);
    if (!word.seen().is_ours()) refuse_foreign_segment(about_);
    check_trust(found_.before.owner, expected_.wanted, "segment", about_);
    switch (word.state()) {
      case life_state::removed: return discarded(word);
      case life_state::under_construction: return of_unfinished(word);
      case life_state::ready:
      case life_state::removing: return of_ready(word);
      case life_state::blank: break;
    }
    refuse(errc::corrupt, about_,
           "its state makes no sense: somebody scribbled over the segment; remove it with "
           "shm::remove(name, shm::force)");
  }

 private:
  bool may_create() const noexcept { return detail::may_create(expected_.mode); }
  bool has_planned_size() const noexcept { return found_.before.size == expected_.total_size; }
  bool somebody_else_is_attached() const { return count_attached(found_.where, about_) > 1; }

  /// A creator makes and marks its set, then makes the segment, then attaches it. So beside a
  /// marked set, a blank segment may be a dead creator's.
  verdict of_blank(life& word) const {
    // A creator stores the life word before it sits down.
    if (set_was_ours_ && inside_.somebody_sat()) refuse_scribbled_life(about_);
    if (!is_blank_of_ours(found_, expected_.wanted.which, set_was_ours_, expected_.is_last_try,
                          about_)) {
      return verdict::again;
    }
    check_trust(found_.before.owner, expected_.wanted, "segment", about_);
    return of_unfinished(word);
  }

  /// The creator is dead, or has lost its set and will start again.
  verdict of_unfinished(life& word) const {
    const bool of_this_set = word.seen().is_blank() || word.was_changed_here();
    if (!of_this_set && !inside_.is_held(about_)) return verdict::again;
    if (!may_create()) {
      if (!of_this_set && !expected_.is_last_try) return verdict::again;
      refuse_half_made(about_);
    }
    const bool can_complete = of_this_set && has_planned_size();
    if (!can_complete || !expected_.has_planned_options) {
      const ending gone = discard(word, found_.where);
      const bool must_serve = can_complete && gone.error_number == EPERM;  // another user's
      if (!gone.ok() && !must_serve) refuse_ending(gone, about_);
      if (!must_serve) return verdict::again;
    }
    if (word.seen().is_blank() && !word.change_to(life_state::under_construction)) {
      return verdict::again;
    }
    return verdict::unfinished;
  }

  verdict of_ready(life& word) const {
    const auto facts = verified_description::read(found_.head(), found_.before.size,
                                                  expected_.wanted.which, about_);
    if (!word.was_changed_here()) {
      if (!inside_.is_held(about_)) return verdict::again;
      if (somebody_else_is_attached()) return of_lost_in_use(word, facts);
      // Nobody can hold the lock: adopt it.
      if (!adopt(word, facts.permits(), inside_, about_)) return verdict::again;
    } else if (word.state() == life_state::removing) {
      // A process that wanted to remove it died before doing so.
      if (!word.change_to(life_state::ready)) return verdict::again;
      crash_point("open: ready again");
    }
    const bool may_be_stale = facts.until_last_detach() && found_.before.attached == 0 &&
                              expected_.mode != open_mode::open_as_it_is;
    // By a process that is just dying: it is detached first, and then loses its seat. Or by a
    // handle that was closed while it held the lock.
    const bool is_used = is_held(found_.head(), facts, inside_);
    if (may_be_stale && is_used && !lookers_.is_over()) return verdict::again;
    if (may_be_stale && !is_used) {
      const bool may_reuse = may_create() && has_planned_size();
      const ending stale = retire_if_unused(word, found_.where, may_reuse);
      if (!stale.ok()) refuse_ending(stale, about_);
      if (stale.value == retirement::reusable) return verdict::unfinished;
      if (stale.value != retirement::in_use) return verdict::again;
      // Another process has attached since. It uses the object, and is to find the same one as this
      // opener.
    }
    check_content(facts);
    return verdict::usable;
  }

  void check_content(const verified_description& facts) const {
    if (expected_.mode == open_mode::create_only) {
      refuse(errc::already_exists, about_,
             "it exists; open it with shm::open_or_create, or take it away with shm::remove(name)");
    }
    if (expected_.plan != nullptr) {
      facts.check_content(found_.head(), *expected_.plan, about_);
    }
  }

  /// The set was lost, and others are attached. By the new set a live holder of the lock would be
  /// judged dead, so nobody can go on with this object.
  verdict of_lost_in_use(life& word, const verified_description& facts) const {
    check_content(facts);
    if (!lookers_.is_over()) return verdict::again;
    if (!may_create()) {
      refuse(errc::in_use, about_,
             "its semaphores were removed (ipcrm, or logind's RemoveIPC) while processes have "
             "it open; end all of them, then open it: the value is kept");
    }
    return discarded(word);
  }

  verdict discarded(life& word) const {
    const ending gone = discard(word, found_.where);
    if (!gone.ok()) refuse_ending(gone, about_);
    return verdict::again;
  }

  const expectation& expected_;
  const attached_segment& found_;
  const door& inside_;
  bool set_was_ours_;
  grace& lookers_;
  const subject& about_;
};

}  // namespace shm::detail
