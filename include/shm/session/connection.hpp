// Connection: an open read-write handle; its seat in this process, and how it leaves.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "../os/process.hpp"
#include "open_place.hpp"

namespace shm::detail {

class connection : public open_place {
 public:
  /// `plan`: null for whatever is there, which is then only opened.
  connection(const key& which, open_mode mode, const options& how, const blueprint* plan)
      : open_place(opener(which, mode, how, plan).open(), which.segment_key(), how,
                   waiting::in_kernel),
        opened_as_(place_.seat.bits() | process::current()),
        membership_(opened_as_) {}

  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  ~connection() {
    if (facts().until_last_detach()) {
      leave_as_last();
    } else {
      leave();
    }
  }

  header& head() const noexcept { return *head_; }
  std::byte* payload() const noexcept { return payload_; }

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
  /// seat: it sits down on first use, and throws as opening does. Nothing: not until the deadline.
  std::optional<seat_identity> identity(const deadline& until) {
    const std::uint64_t seated = identity_bits_if_seated();
    if (seated != 0) return seat_identity::in(seated);
    return sit_down_in_child(until);
  }

  /// Never blocks.
  bool is_alive(seat_identity who) const {
    switch (seats(head(), facts().seats(), set()).judge(who, about())) {
      case seat_verdict::alive: return true;
      case seat_verdict::dead: return false;
      case seat_verdict::set_is_gone: break;
    }
    refuse_removed(about());
  }

 private:
  /// 0 where the process is another one. Equal low bits cancel out and leave the identity.
  static std::uint64_t identity_bits_here(std::uint64_t membership) noexcept {
    const std::uint64_t bits = membership ^ process::current_or_zero();
    return (bits & process_epoch_mask) == 0 ? bits : 0;
  }

  [[gnu::cold, gnu::noinline]] std::optional<seat_identity> sit_down_in_child(
      const deadline& until) {
    const deadline patience = deadline::after(open_timeout());
    result<door> inside = door::try_enter(set(), until.or_earlier(patience));
    if (inside.error_number == EAGAIN) {
      if (!patience.passed()) return std::nullopt;
      door::refuse_timed_out(set(), about());
    }
    // Gone, or in another IPC namespace, where the same id names another set.
    if (means_gone(inside.error_number)) refuse_removed(about());
    if (!inside.ok()) refuse_set_call("semtimedop(door)", inside.error_number, about());
    if (is_removed()) refuse_removed(about());
    process::accept_barriers();
    // Another thread of this child may have been inside before.
    if (const std::uint64_t seated = identity_bits_if_seated()) return seat_identity::in(seated);
    // After an ipcrm -m another object may stand under the key, and these seats be its.
    const result<segment> under_key = segment::find(key_value_);
    const bool is_ours = under_key.ok() && under_key.value.id() == place_.where.id();
    if (!is_ours && (under_key.ok() || under_key.error_number == ENOENT)) refuse_removed(about());
    const std::optional<seat_identity> seat =
        seats(head(), facts().seats(), set()).sit_down(head(), inside.value, about());
    if (!seat) refuse_removed(about());
    // Relaxed: the seat is the kernel's, and other threads only compare the number.
    membership_.store(seat->bits() | process::current(), std::memory_order_relaxed);
    return seat;
  }

  /// First the memory, then the seat. A thread that still uses this handle (while exit() destroys
  /// it) holds a lock by its seat: without the memory it dies before others take the lock over. A
  /// seat that holds the lock is left to the kernel, which takes it when the process ends.
  void leave() noexcept {
    const std::uint64_t mine = identity_bits_if_seated();
    // Relaxed: the word is ours only if this process stored it.
    const seat_identity holder = seat_identity::in(head().lock.load(std::memory_order_relaxed));
    place_.memory.detach();
    crash_point("leave: detached");
    if (mine != 0 && holder.bits() != mine) seats::leave(set(), seat_identity::in(mine));
  }

  /// Detaches inside the door: the next one there has to see who is left. Where the door does not
  /// open in time, the next opener finds nobody attached and clears up.
  void leave_as_last() noexcept {
    grace lookers(std::chrono::milliseconds(1));
    for (;;) {
      result<door> inside = door::try_enter(set(), deadline::after(open_timeout()));
      if (!inside.ok()) return leave();
      crash_point("leave: inside");
      life word(head(), set().mark());
      if (word.was_changed_here() && !somebody_else_sat(inside.value) &&
          (word.state() == life_state::ready || word.state() == life_state::removing)) {
        const result<retirement> outcome = retire_if_unused(word, place_.where, false);
        if (outcome.ok() && outcome.value == retirement::done) {
          place_.memory.detach();
          crash_point("leave: detached");
          static_cast<void>(set().remove());  // and with it the seat and the door
          crash_point("leave: set gone");
          return;
        }
        const bool is_only_looked_at = outcome.ok() && outcome.value == retirement::in_use;
        if (is_only_looked_at && !lookers.is_over()) {
          inside.value.leave();
          pause_for(std::chrono::microseconds(50));
          continue;
        }
      }
      return leave();
    }
  }

  bool somebody_else_sat(const door& inside) const noexcept {
    const std::uint64_t mine = identity_bits_if_seated();
    for (unsigned seat = 0; seat < set().seats(); ++seat) {
      const bool is_mine = mine != 0 && seat_identity::in(mine).seat() == seat;
      if (!is_mine && inside.values()[semaphore::first_seat + seat] != 0) return true;
    }
    return false;
  }

  const std::uint64_t opened_as_;          // identity, and the process that sits there: at first,
  std::atomic<std::uint64_t> membership_;  // and now
};

}  // namespace shm::detail
