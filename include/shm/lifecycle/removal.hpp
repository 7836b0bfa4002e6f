// Removal: removes an object by name, whatever its state, unless it is foreign or in use.
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include "../base/options.hpp"
#include "../format/verify.hpp"
#include "create.hpp"
#include "door.hpp"
#include "find.hpp"
#include "permits.hpp"
#include "retire.hpp"
#include "visit.hpp"

namespace shm::detail {

enum class removal_mode {
  if_unused,
  if_dead,  ///< also only what was never finished, or was to live until its last handle closed
  forced
};

class remover : private visitor {
 public:
  remover(const key& which, removal_mode mode)
      // Trust does not matter here: the kernel knows who may remove.
      : visitor({which, access::everyone, purpose::read_and_write}, options().open_timeout),
        mode_(mode) {}

  void remove() {
    repeat([this] {
      const bool is_removed = inside_door([this] { return plan_set(); },
                                          [this](const found_set& set, const door& inside) {
                                            return remove_all(inside, !set.is_new);
                                          });
      return is_removed || is_gone_;
    });
  }

 private:
  /// Returns false if the caller has to look again: the object changed meanwhile, or a process may
  /// only be looking at it.
  bool remove_all(const door& inside, bool set_was_ours) {
    // Asked before anything is changed: a set that was made after a loss may be another user's.
    const status right = inside.set().may_remove();
    if (means_gone(right.error_number)) return false;
    if (!right.ok()) {
      refuse_set_call("semctl(IPC_SET), as before IPC_RMID", right.error_number, about_);
    }
    if (!remove_segment(inside, set_was_ours)) return false;
    crash_point("remove: before set");
    const status removed = inside.set().remove();
    if (!removed.ok() && !means_gone(removed.error_number)) {
      refuse_set_call("semctl(IPC_RMID)", removed.error_number, about_);
    }
    crash_point("remove: set gone");
    return true;
  }

  /// The plan of a new set for an object whose set was lost. Returns nothing if there is nothing to
  /// remove, or if the caller has to look again.
  std::optional<set_plan> plan_set() {
    attached_segment found;
    const looking seen = look_without_set(wanted_, is_last_try_, found, about_);
    is_gone_ = seen == looking::nothing;
    if (seen != looking::there) return std::nullopt;
    const status right = found.where.may_remove();
    if (means_gone(right.error_number)) return std::nullopt;
    if (!right.ok()) refuse_segment_call(asking_for_the_right, right.error_number, about_);
    return set_plan::replacing_lost_set_of(found, options().seats);
  }

  /// Returns true when the segment is gone, false if the caller has to look again.
  bool remove_segment(const door& inside, bool set_was_ours) {
    attached_segment found;
    // A first look, because writing needs more permission than looking.
    switch (look_at_segment(wanted_.which, found, about_)) {
      case looking::changed: return false;
      case looking::nothing:
        if (mode_ == removal_mode::if_dead && inside.somebody_sat()) {
          refuse_in_use(inside);  // the segment was removed by hand, and its handles go on
        }
        return true;
      case looking::there: break;
    }
    if (!is_ours(found, set_was_ours)) return false;
    found = attached_segment{};
    if (attach_segment(wanted_.which, attach_mode::read_write, found, about_) != looking::there) {
      return false;
    }
    if (!is_ours(found, set_was_ours)) return false;
    life word(found.head(), inside.set().mark());
    if (mode_ == removal_mode::forced) return settled(retire_by_force(word, found.where), inside);

    const bool has_handles =
        word.state() == life_state::ready || word.state() == life_state::removing;
    // The seats count in every state: somebody may have scribbled over the state of an object in
    // use.
    const bool is_final = word.state() == life_state::removed && mode_ == removal_mode::if_unused;
    if (!is_final && is_used(found, inside)) {
      // A process that is just dying is detached first, and then loses its seat.
      if (found.before.attached == 0 && !lookers_.is_over()) return false;
      refuse_in_use(inside);
    }
    if (mode_ == removal_mode::if_dead) require_dead(found);
    if (!has_handles) {
      if (word.was_changed_here() || word.seen().is_blank() || inside.is_held(about_)) {
        return settled(discard(word, found.where), inside);
      }
      return false;
    }
    if (!word.was_changed_here()) {
      if (!inside.is_held(about_)) return false;
      if (count_attached(found.where, about_) > 1) {
        return settled({retirement::in_use}, inside);
      }
      const unsigned permits = verified_description::permits_told(found.head(), found.before.size,
                                                                  wanted_.which, about_);
      if (!adopt(word, permits, inside, about_)) return false;
    }
    return settled(retire_if_unused(word, found.where, false), inside);
  }

  /// Throws foreign_segment, name_collision. False: it cannot be told yet.
  bool is_ours(const attached_segment& found, bool set_was_ours) const {
    const life_word word = life_of(found.head());
    // If a header of ours follows a blank word, somebody scribbled over the word of an object.
    const bool may_be_half_made =
        word.is_blank() &&
        !verified_description::makes_sense(found.head(), found.before.size, wanted_.which, about_);
    if (may_be_half_made) {
      if (!is_blank_of_ours(found, wanted_.which, set_was_ours, is_last_try_, about_)) return false;
    } else if (!word.is_blank() && !word.is_ours()) {
      refuse_foreign_segment(about_);
    }
    if (verified_description::belongs_to_another_name(found.head(), found.before.size,
                                                      wanted_.which, about_)) {
      refuse(errc::name_collision, about_,
             "the segment under this key belongs to another name and stays untouched");
    }
    return true;
  }

  bool is_used(const attached_segment& found, const door& inside) const {
    if (!inside.somebody_sat()) return false;
    if (found.before.attached > 0) return true;
    // Those who sit cannot reach the memory any more: programs before an exec, processes that are
    // just dying, handles that were closed while they held the lock.
    try {
      const auto facts =
          verified_description::read(found.head(), found.before.size, wanted_.which, about_);
      return is_held(found.head(), facts, inside);
    } catch (const error&) {
      return false;  // what cannot be understood is held by nobody
    }
  }

  bool settled(const ending& outcome, const door& inside) {
    if (!outcome.ok()) refuse_ending(outcome, about_);
    if (outcome.value == retirement::in_use && lookers_.is_over()) refuse_in_use(inside);
    return outcome.value == retirement::done;
  }

  void require_dead(const attached_segment& found) const {
    const life_word word = life_of(found.head());
    switch (word.state()) {
      case life_state::under_construction:
      case life_state::removed: return;
      case life_state::ready:
      case life_state::removing:
        if (verified_description::read(found.head(), found.before.size, wanted_.which, about_)
                .until_last_detach()) {
          return;
        }
        refuse(errc::in_use, about_,
               "nobody is attached, but it was made to stay until it is removed");
      case life_state::blank: break;
    }
    // A blank segment may be another program's, under a key where semaphores of ours were left.
    refuse(errc::in_use, about_,
           "nobody is attached, but it says neither whose it is nor that it was never finished; if "
           "it is of no use, take it away with shm::remove(name)");
  }

  [[noreturn]] void refuse_in_use(const door& inside) const {
    refuse(errc::in_use, about_,
           "processes are attached (seats: " + occupants(inside.set(), inside.set().seats()) +
               "); end them, or take it away under them with shm::remove(name, shm::force)");
  }

  removal_mode mode_;
  bool is_gone_ = false;
};

}  // namespace shm::detail
