// Connection: an open read-write handle: its seat in this process, and how it is closed.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "../lifecycle/await_creation.hpp"
#include "../lifecycle/permits.hpp"
#include "../os/process.hpp"
#include "closed_handles.hpp"
#include "open_place.hpp"

namespace shm::detail {

class connection : public open_place {
 public:
  /// A null `plan` opens whatever is there, and creates nothing.
  connection(const key& which, open_mode mode, const options& how, const blueprint* plan)
      : open_place(
            await_creation(which, how, [&] { return opener(which, mode, how, plan).open(); }),
            attach_mode::read_write, which.segment_key(), how, waiting::in_kernel),
        opened_as_(place_.seat.bits() | process::current()),
        membership_(opened_as_) {}

  ~connection() { close(); }

  /// exit() can close a handle that another thread still uses. Other processes must not be harmed.
  /// So first the thread can no longer lock or store; then the seat goes, which proves that an
  /// owner lives.
  closing close() noexcept {
    if (!std::exchange(is_open_, false)) return closing::done;
    const bool is_withdrawn = withdraw_memory();
    crash_point("leave: read-only");
    const std::uint64_t mine = identity_bits_if_seated();
    const bool needs_seat = mine != 0 && (!is_withdrawn || holds_or_waits(mine));
    if (needs_seat) {
      // A guard can outlive the handle in a process with one thread, too.
      static_cast<void>(place_.memory.withdraw(place_.size));
      // A thread may have stored a version that it can no longer announce.
      ring_for_another(head());
    }
    // If a thread is inside and the kernel refuses, the memory stays attached and read-only.
    const bool has_sleepers = sleeping().close();
    if (!has_sleepers && !place_.memory.vacate() && !needs_seat) place_.memory.detach();
    crash_point("leave: detached");
    if (needs_seat || has_sleepers) return keep();  // the kernel takes the seat with the process
    if (facts().until_last_detach()) {
      leave_or_retire(mine);
    } else {
      leave_seat(mine);
    }
    return closing::done;
  }

  /// From here to end_use(), closing the handle leaves it its seat and its memory until the process
  /// ends. Precondition: the process sits here.
  void begin_use() noexcept {
    // Acquire fence: pairs with the store of the seat that this thread was told of.
    std::atomic_thread_fence(std::memory_order_acquire);
    // Sequentially consistent: the count comes before the first store of the thread to shared
    // memory.
    uses_.fetch_add(1, std::memory_order_seq_cst);
  }
  // Release: the token, or the permit, has been used or passed on.
  void end_use() noexcept { uses_.fetch_sub(1, std::memory_order_release); }

  /// Counts a thread on the slow way to the lock. The thread may take a wake token that is meant
  /// for another process. While it can, this handle keeps its seat, whose undo record posts one.
  class waiting_thread {
   public:
    explicit waiting_thread(connection& place) noexcept : place_(place) { place_.begin_use(); }
    waiting_thread(const waiting_thread&) = delete;
    waiting_thread& operator=(const waiting_thread&) = delete;
    ~waiting_thread() { place_.end_use(); }

   private:
    connection& place_;
  };

  header& head() const noexcept { return *head_; }
  std::byte* payload() const noexcept { return payload_; }

  /// The bits of identity() if the process has a seat, else 0. Never blocks.
  std::uint64_t identity_bits_if_seated() const noexcept {
    // Relaxed: only the number counts.
    return identity_bits_here(membership_.load(std::memory_order_relaxed));
  }

  /// Like identity_bits_if_seated(), but 0 in a forked child's copy of a handle that its parent
  /// opened, even if the child has sat down.
  std::uint64_t identity_bits_unless_inherited() const noexcept {
    return identity_bits_here(opened_as_);
  }

  /// The identity of this handle in the running process. A forked child has a copy of the handle,
  /// but no seat: it sits down at its first use, and throws what opening throws. Returns an
  /// identity without a seat if the deadline passed first.
  seat_identity identity(const deadline& until) {
    const std::uint64_t seated = identity_bits_if_seated();
    if (seated != 0) return seat_identity::in(seated);
    return sit_down_in_child(until);
  }

 private:
  /// 0 if the process is another one. Equal low bits cancel out and leave the identity.
  static std::uint64_t identity_bits_here(std::uint64_t membership) noexcept {
    const std::uint64_t bits = membership ^ process::current_or_zero();
    return (bits & process_epoch_mask) == 0 ? bits : 0;
  }

  [[gnu::cold, gnu::noinline]] seat_identity sit_down_in_child(const deadline& until) {
    const deadline patience = deadline::after(open_timeout());
    const door::entry found = door::try_enter(set(), until.or_earlier(patience));
    if (found.error_number == EAGAIN) {
      if (until.is_later_than(patience)) door::refuse_timed_out(set(), about());
      return {};
    }
    // The set is gone, or the process is in another IPC namespace, where the id names no set, or
    // another one.
    if (means_gone(found.error_number)) refuse_removed(about());
    if (!found.ok()) refuse_set_call(found.call, found.error_number, about());
    if (is_removed()) refuse_removed(about());
    process::accept_barriers();
    // Another thread of this child may have sat down meanwhile.
    if (const std::uint64_t seated = identity_bits_if_seated()) return seat_identity::in(seated);
    // After an ipcrm -m another object may stand under the key, and these seats may be its seats.
    const result<segment> under_key = segment::find(key_value_);
    const bool is_ours = under_key.ok() && under_key.value.id() == place_.where.id();
    if (!is_ours && (under_key.ok() || under_key.error_number == ENOENT)) refuse_removed(about());
    const seat_identity seat =
        seats(head(), facts().seats(), set()).sit_down(head(), found.inside, about());
    if (!seat.has_seat()) refuse_removed(about());
    // The parent's threads are not here, and its permits are not ours. Relaxed: see the next store.
    uses_.store(0, std::memory_order_relaxed);
    // Release: a thread that sees this seat counts itself after the count has begun anew.
    membership_.store(seat.bits() | process::current(), std::memory_order_release);
    return seat;
  }

  /// Whether this handle holds the lock or permits, or a thread waits for them. Precondition: no
  /// thread can store any more, or take the lock.
  bool holds_or_waits(std::uint64_t mine) const noexcept {
    // Relaxed: only this process stores its own identity, and mprotect orders the threads.
    const std::uint64_t holder = head().lock.load(std::memory_order_relaxed);
    if (seat_identity::in(holder).bits() == mine) return true;
    // Acquire: pairs with end_use().
    return uses_.load(std::memory_order_acquire) != 0;
  }

  /// `mine` is 0 in a forked child that never sat down.
  void leave_seat(std::uint64_t mine) const noexcept {
    if (mine != 0) seats::leave(set(), seat_identity::in(mine).seat());
  }

  /// Precondition: detached. Retires the object if this handle is the last. If that cannot be
  /// known, the next opener finds nobody attached and cleans up.
  void leave_or_retire(std::uint64_t mine) noexcept {
    grace lookers(std::chrono::milliseconds(1));
    for (;; pause_for(std::chrono::microseconds(50))) {
      const door::entry found = door::try_enter(set(), deadline::after(open_timeout()));
      if (!found.ok()) return leave_seat(mine);
      crash_point("leave: inside");
      const retirement outcome = somebody_else_uses_it(found.inside, mine)
                                     ? retirement::changed
                                     : retire_once(found.inside);
      if (outcome == retirement::done) return;
      // Others are attached; they may only look.
      if (outcome == retirement::in_use && !lookers.is_over()) continue;
      return leave_seat(mine);
    }
  }

  retirement retire_once(const door& inside) noexcept {
    const result<attachment> memory =
        attachment::not_inherited(place_.where, attach_mode::read_write, place_.size);
    if (!memory.ok()) return retirement::changed;
    // Between the detach and this attach the id could come to name another segment. The mark tells
    // that it does not.
    life word(header_at(memory.value), set().mark());
    const bool is_ready = word.state() == life_state::ready || word.state() == life_state::removing;
    if (!word.seen().is_ours() || !word.was_changed_here() || !is_ready) return retirement::changed;
    // By a handle that was closed while it held the lock: its seat stays as long as its process.
    const header& again = header_at(memory.value);
    if (is_held(again, facts(), inside)) return retirement::changed;
    const ending outcome = retire_if_unused(word, place_.where, false);
    if (!outcome.ok()) return retirement::changed;
    if (outcome.value != retirement::done) return outcome.value;
    // With the set go the seat and the door.
    if (!set().remove().ok()) return retirement::changed;
    crash_point("leave: set gone");
    return retirement::done;
  }

  /// Seats alone do not tell: a program that calls exec keeps them, and so does a handle that is
  /// just closing. Precondition: detached.
  bool somebody_else_uses_it(const door& inside, std::uint64_t mine) const noexcept {
    const result<segment_status> now = place_.where.stat();
    if (now.ok() && now.value.attached == 0) return false;
    for (unsigned seat = 0; seat < set().seats(); ++seat) {
      const bool is_mine = mine != 0 && seat_identity::in(mine).seat() == seat;
      if (!is_mine && inside.values()[semaphore::first_seat + seat] != 0) return true;
    }
    return false;
  }

  const std::uint64_t opened_as_;          // identity, and the process that sits there: at first,
  std::atomic<std::uint64_t> membership_;  // and now
  std::atomic<unsigned> uses_{0};          ///< threads that wait, and permits
  bool is_open_ = true;
};

}  // namespace shm::detail
