// Observer: an open read-only handle; it alters neither segment nor semaphores.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "../base/crash_point.hpp"
#include "../format/verify.hpp"
#include "../lifecycle/door.hpp"
#include "../lifecycle/find.hpp"
#include "../os/attachment.hpp"
#include "../os/key.hpp"

namespace shm::detail {

class observer {
 public:
  /// Blocks while somebody alive creates or removes the object, at most options::open_timeout.
  observer(const key& which, const options& how, const blueprint& plan)
      : open_timeout_(how.open_timeout), key_value_(which.segment_key()) {
    subject about{which.name(), which.segment_key()};
    const deadline until = deadline::after(how.open_timeout);
    while (!try_attach(which, how, plan, until, about)) {
      if (until.passed()) {
        refuse(errc::timed_out, about,
               "others keep creating or removing it while it is being opened");
      }
    }
  }

  const header& head() const noexcept { return header_at(memory_); }
  const std::byte* payload() const noexcept { return memory_.address() + facts_.payload_offset(); }
  const semaphore_set& set() const noexcept { return set_; }
  std::string_view name() const noexcept { return facts_.name(); }
  std::chrono::milliseconds open_timeout() const noexcept { return open_timeout_; }
  bool is_removed() const noexcept {
    // Relaxed: the word says only whether to go on, and orders nothing.
    return head().state.load(std::memory_order_relaxed) == segment_state::removed;
  }
  subject about() const noexcept { return {name(), key_value_, where_.id(), set_.id()}; }

 private:
  /// False: it changed under us, look again.
  bool try_attach(const key& which, const options& how, const blueprint& plan,
                  const deadline& until, subject& about) {
    about.segment_id = about.set_id = -1;
    const std::optional<found_set> found = find_set(which, how.access, about);
    // Nobody is inside the door of a set that nobody has marked; and waiting there would use it.
    if (found && found->marked && !wait_at_door(found->set, until, about)) return false;
    crash_point("observe: door free");

    std::optional<attached_segment> here = attach_to_look(which, about);
    if (!here) return false;
    crash_point("observe: attached");

    const header& head = header_at(here->memory);
    const auto look = [&head] { return head.state.load(std::memory_order_seq_cst); };
    const segment_state state = look();
    if (state != segment_state::blank && !is_ours(state)) refuse_foreign_segment(about);
    if (state != segment_state::ready) {
      // A creator makes and marks its set before the segment, maybe after we looked for it.
      const std::optional<found_set> beside = find_set(which, how.access, about);
      const bool marked = beside && beside->marked;
      if (state == segment_state::blank && !marked) refuse_foreign_segment(about);
      if (id_of(found) != id_of(beside)) return false;
    }
    check_trust(here->now.owner, how.access, "segment", about);
    if (state != segment_state::ready) {
      // With the door free now, whoever left it so is dead; and a remover that enters from now on
      // sees that we are attached.
      const result<int> inside = found ? found->set.value(semaphore::door) : result<int>{};
      const segment_state again = look();
      if (!inside.ok() || inside.value != 0) return false;
      if (again == segment_state::removed) refuse_not_found(about);
      const bool unfinished =
          again == segment_state::blank || again == segment_state::under_construction;
      if (unfinished) refuse_half_made(about);
    }
    facts_ = verified_description::read(head, here->now.size, which, about);
    facts_.check_content(head, plan, about);
    if (how.prefault) here->memory.prefault(here->now.size);
    where_ = here->where;
    memory_ = std::move(here->memory);
    if (found) set_ = found->set;
    return true;
  }

  static int id_of(const std::optional<found_set>& found) noexcept {
    return found ? found->set.id() : -1;
  }

  static bool wait_at_door(const semaphore_set& set, const deadline& until, const subject& about) {
    const status waited = set.wait_until_door_is_free(until);
    if (waited.ok()) return true;
    if (means_gone(waited.error_number)) return false;
    if (waited.error_number == EAGAIN) door::refuse_timed_out(set, about);
    refuse_set_call("semtimedop(door)", waited.error_number, about);
  }

  std::chrono::milliseconds open_timeout_;
  int key_value_;
  segment where_;
  attachment memory_;
  semaphore_set set_;
  verified_description facts_;
};

}  // namespace shm::detail
