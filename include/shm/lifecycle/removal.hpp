// Removal: takes an object away by name, whatever state it is in, unless it is not ours or in use.
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include "../base/deadline.hpp"
#include "../base/options.hpp"
#include "../format/layout.hpp"
#include "../format/verify.hpp"
#include "door.hpp"
#include "find.hpp"
#include "retire.hpp"

namespace shm::detail {

enum class removal_mode {
  if_unused,
  if_dead,  ///< also only what was never finished, or was to live until its last handle closed
  forced
};

class remover {
 public:
  remover(const key& which, removal_mode mode)
      : which_(which),
        mode_(mode),
        until_(deadline::after(options().open_timeout)),
        about_{which.name(), which.segment_key()} {}

  void remove() {
    while (!attempt()) {
      if (until_.passed()) {
        refuse(errc::timed_out, about_, "others keep creating and removing it");
      }
    }
  }

 private:
  /// False: it changed under us, look again.
  bool attempt() {
    about_.segment_id = about_.set_id = -1;
    // Whom we trust does not matter here: the kernel knows who may remove.
    const std::optional<found_set> found = find_set(which_, access::everyone, about_);
    // Without a set there is no door. Who opens at the same time is told apart by being attached.
    if (!found) {
      crash_point("remove: no set");
      return remove_segment(nullptr);
    }
    if (!mark_as_ours(*found, about_)) return false;
    const std::optional<door> inside = door::enter(found->set, until_, about_);
    if (!inside || !remove_segment(&*found)) return false;
    if (mode_ == removal_mode::if_dead && anybody_sits(*found)) {
      refuse_in_use(&*found);  // their segment was removed by hand, and they go on
    }
    crash_point("remove: before set");
    const status removed = found->set.remove();
    if (!removed.ok() && !means_gone(removed.error_number)) {
      refuse_set_call("semctl(IPC_RMID)", removed.error_number, about_);
    }
    return true;
  }

  /// True when there is none any more.
  bool remove_segment(const found_set* beside) {
    const result<segment> existing = segment::find(which_.segment_key());
    if (existing.error_number == ENOENT) return true;
    if (!existing.ok()) refuse_segment_call("shmget", existing.error_number, about_);
    about_.segment_id = existing.value.id();
    // A set made after we looked for it has a door, and the segment's creator may be inside.
    if (beside == nullptr && find_set(which_, access::everyone, about_)) return false;
    const result<segment_status> now = existing.value.stat();
    if (means_gone(now.error_number)) return false;
    if (!now.ok()) refuse_segment_call("shmctl(IPC_STAT)", now.error_number, about_);
    const result<segment_state> state = peek_state(existing.value);
    if (means_gone(state.error_number)) return false;
    if (!state.ok()) refuse_segment_call("shmat", state.error_number, about_);

    const bool half_made_blank =
        state.value == segment_state::blank && beside != nullptr && beside->marked;
    if (!is_ours(state.value) && !half_made_blank) refuse_foreign_segment(about_);
    result<attachment> memory = attachment::of(existing.value, attach_mode::read_write);
    if (means_gone(memory.error_number)) return false;
    if (!memory.ok()) refuse_segment_call("shmat", memory.error_number, about_);
    header& head = header_at(memory.value);
    if (verified_description::belongs_to_another_name(head, now.value.size, which_, about_)) {
      refuse(errc::name_collision, about_,
             "the segment under this key belongs to another name and stays untouched");
    }
    // Half-made, or removed before: nobody has a handle. Never "removing", which a later opener
    // takes for ready, should we die.
    const bool has_no_handles =
        state.value != segment_state::ready && state.value != segment_state::removing;
    const bool in_use =
        mode_ != removal_mode::forced && is_in_use(existing.value, now.value, beside);
    if (mode_ == removal_mode::if_dead) {
      if (in_use) refuse_in_use(beside);
      require_dead(head, now.value, state.value);
    }
    // But somebody may have scribbled over the state of one that is in use: its handles go on.
    if (mode_ == removal_mode::if_unused && in_use && state.value != segment_state::removed &&
        has_no_handles) {
      refuse_in_use(beside);
    }
    if (mode_ == removal_mode::forced || has_no_handles) {
      check(retire_by_force(head, existing.value));
      return true;
    }
    const result<retirement> outcome = retire_if_unused(head, existing.value);
    if (outcome.value == retirement::in_use) {
      if (!in_use) return false;  // not before; may be somebody who only looks
      refuse_in_use(beside);
    }
    if (!outcome.ok()) refuse_retirement(outcome, about_);
    return true;
  }

  void require_dead(const header& head, const segment_status& now, segment_state state) const {
    switch (state) {
      case segment_state::under_construction:
      case segment_state::removed: return;
      case segment_state::ready:
      case segment_state::removing:
        if (verified_description::read(head, now.size, which_, about_).until_last_detach()) return;
        refuse(errc::in_use, about_,
               "nobody is attached, but it was made to stay until it is removed");
      case segment_state::blank: break;
    }
    // Blank, it may be another program's, under a key where our semaphores were left.
    refuse(errc::in_use, about_,
           "nobody is attached, but it says neither whose it is nor that it was never finished; if "
           "it is of no use, take it away with shm::remove(name)");
  }

  void check(const status& removed) const {
    if (!removed.ok()) refuse_segment_call("shmctl(IPC_RMID)", removed.error_number, about_);
  }

  [[noreturn]] void refuse_in_use(const found_set* beside) const {
    const std::string who =
        beside == nullptr ? "somebody"
                          : occupants(beside->set, beside->semaphores - semaphore::first_seat);
    refuse(errc::in_use, about_,
           "processes are attached (seats: " + who +
               "); end them, or take it away under them with shm::remove(name, shm::force)");
  }

  const key& which_;
  removal_mode mode_;
  deadline until_;
  subject about_;
};

}  // namespace shm::detail
