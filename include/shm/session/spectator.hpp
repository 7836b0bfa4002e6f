// Spectator: an open place that was looked at and nothing else; it alters no byte and no semaphore.
// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "../base/deadline.hpp"
#include "../format/verify.hpp"
#include "../lifecycle/door.hpp"
#include "../lifecycle/find.hpp"
#include "../os/attachment.hpp"
#include "../os/key.hpp"

namespace shm::detail {

/// A semaphore set that is asked for values and never waited on: even a wait for zero leaves the
/// time and the process id in the set.
class looked_at_set {
 public:
  looked_at_set() = default;
  looked_at_set(const semaphore_set& set, std::chrono::milliseconds patience) noexcept
      : set_(set), patience_(patience) {}

  /// Looks every millisecond. EAGAIN: not within the patience that this set is looked at with.
  status wait_until_no_raw_edit(const deadline& until) const {
    return wait_for_zero(semaphore::raw, until.or_earlier(deadline::after(patience_)));
  }

  status wait_for_zero(unsigned short which, const deadline& until) const {
    for (;;) {
      const result<int> now = set_.value(which);
      if (!now.ok()) return {now.error_number};
      if (now.value == 0) return {};
      if (until.passed()) return {EAGAIN};
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  const semaphore_set& set() const noexcept { return set_; }

 private:
  semaphore_set set_;
  std::chrono::milliseconds patience_{0};
};

class spectator {
 public:
  /// Blocks while somebody alive creates or removes the object, at most options::open_timeout.
  /// Throws not_found, foreign_segment, untrusted_owner, incompatible_layout, name_collision,
  /// corrupt, timed_out, or the kernel's errno.
  spectator(const key& which, const options& how)
      : key_value_(which.segment_key()), patience_(how.open_timeout) {
    const deadline until = deadline::after(how.open_timeout);
    while (!try_attach(which, how, until)) {
      if (!until.passed()) continue;
      refuse(errc::timed_out, subject{which.name(), key_value_},
             "others keep creating or removing it while it is being looked at");
    }
  }

  const header& head() const noexcept { return header_at(memory_); }
  const std::byte* payload() const noexcept { return memory_.address() + facts_.payload_offset(); }
  const verified_description& facts() const noexcept { return facts_; }
  const looked_at_set& set() const noexcept { return set_; }
  std::string_view name() const noexcept { return facts_.name(); }
  std::chrono::milliseconds open_timeout() const noexcept { return patience_; }
  bool is_removed() const noexcept {
    // Relaxed: the word says only whether to go on, and orders nothing.
    return head().state.load(std::memory_order_relaxed) == segment_state::removed;
  }
  subject about() const noexcept { return {name(), key_value_, where_.id(), set_.set().id()}; }

 private:
  /// False: it changed under us, look again.
  bool try_attach(const key& which, const options& how, const deadline& until) {
    subject about{which.name(), key_value_};
    const std::optional<found_set> found = find_set(which, how.access, about);
    std::optional<attached_segment> here = attach_to_look(which, about);
    if (!here) return false;

    const header& head = header_at(here->memory);
    // Sequentially consistent, after attaching: a remover stores removing and then counts.
    const segment_state state = head.state.load(std::memory_order_seq_cst);
    if (state != segment_state::ready && is_new_beside(found, which, how)) return false;
    const bool marked = found && found->marked;
    if (!is_ours(state) && !(state == segment_state::blank && marked)) {
      refuse_foreign_segment(about);
    }
    check_trust(here->now.owner, how.access, "segment", about);
    if (found) set_ = looked_at_set(found->set, how.open_timeout);
    if (state != segment_state::ready) {
      if (marked && !is_door_free(about)) {
        here.reset();  // whoever is inside may be counting who is attached
        wait_at_door(until, about);
        return false;
      }
      refuse_unless_as_good_as_ready(head, about);
    }
    facts_ = verified_description::read(head, here->now.size, which, about);
    where_ = here->where;
    memory_ = std::move(here->memory);
    return true;
  }

  /// A creator makes and marks its set before the segment, maybe after we looked for it.
  static bool is_new_beside(const std::optional<found_set>& found, const key& which,
                            const options& how) {
    subject about{which.name(), which.segment_key()};
    const std::optional<found_set> beside = find_set(which, how.access, about);
    const auto id_of = [](const std::optional<found_set>& set) { return set ? set->set.id() : -1; };
    return id_of(found) != id_of(beside);
  }

  /// Whoever creates or removes it is inside, or dead.
  bool is_door_free(const subject& about) const {
    const result<int> inside = set_.set().value(semaphore::door);
    if (means_gone(inside.error_number)) return false;
    if (!inside.ok()) refuse_set_call("semctl(GETVAL)", inside.error_number, about);
    return inside.value == 0;
  }

  void wait_at_door(const deadline& until, const subject& about) const {
    const status waited = set_.wait_for_zero(semaphore::door, until);
    if (waited.ok() || means_gone(waited.error_number)) return;
    if (waited.error_number == EAGAIN) door::refuse_timed_out(set_.set(), about);
    refuse_set_call("semctl(GETVAL)", waited.error_number, about);
  }

  /// After the door was seen free. Removing: by somebody who died.
  static void refuse_unless_as_good_as_ready(const header& head, const subject& about) {
    const segment_state again = head.state.load(std::memory_order_seq_cst);
    if (again == segment_state::removed) refuse_not_found(about);
    if (again == segment_state::blank || again == segment_state::under_construction) {
      refuse_half_made(about);
    }
  }

  int key_value_;
  std::chrono::milliseconds patience_;
  segment where_;
  attachment memory_;
  looked_at_set set_;
  verified_description facts_;
};

}  // namespace shm::detail
