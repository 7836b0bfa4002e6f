// Connection: an open read-write handle; its seat in this process, and how it leaves.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../lifecycle/open.hpp"
#include "../os/process.hpp"

namespace shm::detail {

class connection {
 public:
  connection(const key& which, open_mode mode, const options& how, const blueprint& plan)
      : place_(opener(which, mode, how, plan).open()),
        head_(&header_at(place_.memory)),
        payload_(place_.memory.address() + place_.facts.payload_offset()),
        opened_as_(place_.seat.bits() | process::current()),
        membership_(opened_as_),
        open_timeout_(how.open_timeout),
        key_value_(which.segment_key()) {}

  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  ~connection() {
    if (place_.facts.until_last_detach()) {
      leave_as_last();
    } else {
      leave_seat();
    }
  }

  header& head() const noexcept { return *head_; }
  std::byte* payload() const noexcept { return payload_; }
  const semaphore_set& set() const noexcept { return place_.set; }
  std::string_view name() const noexcept { return place_.facts.name(); }

  subject about() const noexcept {
    return {name(), key_value_, place_.where.id(), place_.set.id()};
  }

  /// As identity(), where it needs no more than a look; else 0.
  std::uint64_t identity_bits_if_seated() const noexcept {
    // Relaxed: only the number counts.
    return identity_bits_here(membership_.load(std::memory_order_relaxed));
  }

  /// The same, but 0 in a forked child's copy of a handle that its parent opened, even when that
  /// has sat down.
  std::uint64_t identity_bits_unless_inherited() const noexcept {
    return identity_bits_here(opened_as_);
  }

  /// Who this handle is in the running process. A forked child has a copy of the handle, but no
  /// seat: it sits down on first use. May block at the door, and throw as opening does.
  seat_identity identity() {
    const std::uint64_t seated = identity_bits_if_seated();
    return seated != 0 ? seat_identity::in(seated) : sit_down_in_child();
  }

  /// Blocks never.
  bool is_alive(seat_identity who) const {
    switch (all_seats().judge(who, about())) {
      case seat_verdict::alive: return true;
      case seat_verdict::dead: return false;
      case seat_verdict::set_is_gone: break;
    }
    give_up();
  }

  bool is_removed() const noexcept {
    // Relaxed: the word says only whether to go on, and orders nothing.
    return head_->state.load(std::memory_order_relaxed) == segment_state::removed;
  }

  /// The set is gone, so nobody can wait here any more: tells all others, too.
  [[noreturn]] void give_up() const {
    mark_removed();
    refuse_removed(about());
  }
  void mark_removed() const noexcept {
    head_->state.store(segment_state::removed, std::memory_order_seq_cst);
  }

 private:
  /// 0 where the process is another one. Equal low bits cancel out and leave the identity.
  static std::uint64_t identity_bits_here(std::uint64_t membership) noexcept {
    const std::uint64_t bits = membership ^ process::current_or_zero();
    return (bits & process_epoch_mask) == 0 ? bits : 0;
  }

  seats all_seats() const noexcept {
    return {*head_, place_.facts.seats(), place_.set, place_.semaphores};
  }

  [[gnu::cold, gnu::noinline]] seat_identity sit_down_in_child() {
    const std::optional<door> inside =
        door::enter(place_.set, deadline::after(open_timeout_), about());
    if (!inside) give_up();
    if (is_removed()) refuse_removed(about());
    process::accept_barriers();
    // Another thread of this child may have been inside before.
    if (const std::uint64_t seated = identity_bits_if_seated()) return seat_identity::in(seated);
    // After an ipcrm -m another object may stand under the key, and these seats be its.
    const result<segment> under_key = segment::find(key_value_);
    const bool is_ours = under_key.ok() && under_key.value.id() == place_.where.id();
    if (!is_ours && (under_key.ok() || under_key.error_number == ENOENT)) give_up();
    const std::optional<seat_identity> seat = all_seats().sit_down(about());
    if (!seat) give_up();
    // Relaxed: the seat is the kernel's, and other threads only compare the number.
    membership_.store(seat->bits() | process::current(), std::memory_order_relaxed);
    return *seat;
  }

  void leave_seat() noexcept {
    const std::uint64_t mine = identity_bits_if_seated();
    if (mine == 0) return;
    const std::uint64_t holder = head_->lock.load(std::memory_order_relaxed);
    all_seats().leave(seat_identity::in(mine), seat_identity::in(holder).bits() == mine);
  }

  /// Detaches inside the door: whoever comes next there has to see who is left.
  void leave_as_last() noexcept {
    // Should the door not open in time, the next opener finds nobody attached and clears up.
    const bool inside = place_.set.enter_door(deadline::after(open_timeout_)).ok();
    if (inside) {
      crash_point("leave: inside");
      const bool retired = !is_removed() && retire_unless_others_stay() == retirement::done;
      // Who sits here and was not attached has another object, made anew after an ipcrm -m.
      if (retired && !anybody_else_sits() && place_.set.remove().ok()) {
        return;  // with it went the seat and the door
      }
    }
    leave_seat();
    place_.memory.detach();
    crash_point("leave: detached");
    if (inside) static_cast<void>(place_.set.leave_door());
  }

  /// Who only looks is no reason to stay; but a crowd of them must not keep this thread for ever.
  retirement retire_unless_others_stay() const noexcept {
    retirement outcome = retirement::in_use;
    for (int tries = 0; tries < 10 && outcome == retirement::in_use; ++tries) {
      const bool is_again = tries > 0;
      if (is_again && (is_removed() || anybody_else_sits() || others_stay())) break;
      outcome = retire_if_unused(*head_, place_.where).value;
    }
    return outcome;
  }

  /// A shorter look than elsewhere: nothing is lost when it stays, and handles are closed often.
  bool others_stay() const noexcept {
    return others_stay_attached(place_.where, std::chrono::milliseconds(1));
  }

  bool anybody_else_sits() const noexcept {
    return all_seats().anybody_but(identity_bits_if_seated());
  }

  place place_;
  header* head_;
  std::byte* payload_;
  const std::uint64_t opened_as_;          // identity, and the process that sits there: at first,
  std::atomic<std::uint64_t> membership_;  // and now
  std::chrono::milliseconds open_timeout_;
  int key_value_;
};

}  // namespace shm::detail
