// Robust lock: mutual exclusion that outlives its holder; the next one gets the lock and is told.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "../base/crash_point.hpp"
#include "../base/deadline.hpp"
#include "../session/connection.hpp"
#include "lock_word.hpp"
#include "spin.hpp"

namespace shm::detail {

enum class acquisition {
  not_now,    ///< somebody alive holds it (until the deadline)
  taken,      ///< from a holder that released it
  taken_over  ///< from a holder that died
};

class robust_lock {
 public:
  explicit robust_lock(connection& place) noexcept : place_(place) {}

  /// Blocks until the deadline. Throws would_deadlock, removed, corrupt; then it is not held.
  acquisition acquire(deadline until) {
    if (take(word_if_known())) return confirmed(acquisition::taken);
    return acquire_slowly(place_, until);
  }

  /// Never blocks. Returns not_now if this very thread holds the lock; and in a forked child at its
  /// first use, if the door is closed.
  acquisition try_acquire() {
    if (take(word_if_known())) return confirmed(acquisition::taken);
    return try_acquire_slowly(place_);
  }

  bool is_held_by_this_thread() const noexcept {
    const std::uint64_t me = word_if_known();
    // Relaxed: the word is mine only if I stored it.
    return me != 0 && word().load(std::memory_order_relaxed) == me;
  }

  /// By the thread that locked, or that the guard was moved to, in the process that locked. Never
  /// blocks, never throws.
  void release() noexcept { release_as(place_.identity_bits_if_seated()); }

  /// Like release(), for a caller that knows its identity. Does nothing if that does not hold the
  /// lock: somebody scribbled.
  void release_as(std::uint64_t mine) noexcept {
    // Relaxed: the word is ours only if we stored it.
    const seat_identity holder = seat_identity::in(word().load(std::memory_order_relaxed));
    if (holder.bits() == mine) give_back();
  }

 private:
  void give_back() noexcept {
    crash_point("unlock: before");
    // Release: what was written inside is there for the next holder.
    word().store(0, std::memory_order_release);
    // This store comes before the look at the waiters: the barrier of the waiter, or else our own,
    // makes it so. (No exchange instead: a relaxed look may overtake its store.)
    process::order_store_before_load();
    crash_point("unlock: released");
    if (waiters().load(std::memory_order_relaxed) != 0) wake_one(place_);
  }

  /// The lock word of this thread, if no system call is needed to know it; else 0.
  std::uint64_t word_if_known() const noexcept {
    const std::uint64_t seated = place_.identity_bits_if_seated();
    const std::uint32_t thread = process::thread_id_if_cached(process::current_or_zero());
    return seated != 0 && thread != 0 ? lock_word(seat_identity::in(seated), thread).bits() : 0;
  }

  bool take(std::uint64_t me) noexcept {
    std::uint64_t free = 0;
    // Acquire: the holder before released what it wrote.
    return me != 0 && word().compare_exchange_strong(free, me, std::memory_order_acquire,
                                                     std::memory_order_relaxed);
  }

  /// A dead owner never returns under the same word, so this compare-and-swap has no ABA problem.
  bool take_over(lock_word dead, std::uint64_t me) noexcept {
    std::uint64_t expected = dead.bits();
    if (!word().compare_exchange_strong(expected, me, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
      return false;
    }
    crash_point("lock: taken over");
    remember_waiters();
    return true;
  }

  /// The token may have been meant for others that sleep: the release has to post the next one.
  /// Relaxed: the release reads it in this very thread.
  void remember_waiters() noexcept { waiters().store(1, std::memory_order_relaxed); }

  // The slow ways are static, and their arguments fit in registers: the fast way writes nothing to
  // the stack, where its locked instruction would wait for it.

  [[gnu::noinline]] static acquisition acquire_slowly(connection& place, deadline until) {
    return robust_lock(place).contend(until);
  }
  [[gnu::noinline]] static acquisition try_acquire_slowly(connection& place) {
    return robust_lock(place).look_closer();
  }

  /// Returns 0 in a forked child that has to sit down first and cannot before the deadline.
  std::uint64_t my_word(const deadline& until) {
    const seat_identity me = place_.identity(until);
    return me.has_seat() ? lock_word(me, process::thread_id()).bits() : 0;
  }

  acquisition contend(deadline until) {
    const std::uint64_t me = my_word(until);
    if (me == 0) return acquisition::not_now;
    if (take(me)) return confirmed(acquisition::taken);
    const connection::waiting_thread waiting(place_);
    if (word().load(std::memory_order_relaxed) == me) {
      refuse(errc::would_deadlock, place_.about(),
             "this thread holds the lock already, through this handle; release it first");
    }
    const acquisition how = spin_or_sleep(me, until);
    return how == acquisition::not_now ? how : confirmed(how);
  }

  acquisition look_closer() {
    const std::uint64_t me = my_word(deadline::now());
    if (me == 0) return acquisition::not_now;
    if (take(me)) return confirmed(acquisition::taken);
    const lock_word found(word().load(std::memory_order_relaxed));
    if (found.is_free() || found.bits() == me || place_.is_alive(found.holder())) {
      return acquisition::not_now;
    }
    return take_over(found, me) ? confirmed(acquisition::taken_over) : acquisition::not_now;
  }

  /// A waiter that consumes a token and does not get the lock must post it again: otherwise another
  /// waiter could sleep beside a free lock.
  class wake_debt {
   public:
    explicit wake_debt(robust_lock& lock) noexcept : lock_(lock) {}
    wake_debt(const wake_debt&) = delete;
    wake_debt& operator=(const wake_debt&) = delete;
    ~wake_debt() {
      if (owed_) lock_.post_token();
    }
    void incur() noexcept { owed_ = true; }
    /// The waiter got the lock: its release posts the token.
    void hand_over() noexcept {
      if (std::exchange(owed_, false)) lock_.remember_waiters();
    }

   private:
    robust_lock& lock_;
    bool owed_ = false;
  };

  acquisition spin_or_sleep(std::uint64_t me, deadline until) {
    wake_debt debt(*this);
    for (bool looked = false;; looked = true) {
      if (spin_until([&] { return word().load(std::memory_order_relaxed) == 0 && take(me); })) {
        debt.hand_over();
        return acquisition::taken;
      }
      // Not before the first look: a lock of a dead owner is taken over even without time to wait.
      if (looked && until.passed()) return acquisition::not_now;
      const bool ordered = announce_waiting();
      const lock_word holder(word().load(std::memory_order_relaxed));
      if (holder.is_free()) continue;
      // In this order: an owner that dies after this look leaves a token for the sleep below.
      if (!place_.is_alive(holder.holder())) {
        crash_point("lock: owner found dead");
        if (!take_over(holder, me)) continue;
        debt.hand_over();
        return acquisition::taken_over;
      }
      // In another IPC namespace the id can be a stranger's set, whose semaphores stay untouched.
      place_.require_own_set();
      crash_point("lock: before sleep");
      const status slept = place_.set().take_wake_token(slice_of(until, ordered));
      if (slept.error_number == EAGAIN) continue;
      if (means_gone(slept.error_number)) refuse_removed(place_.about());
      if (!slept.ok()) refuse_set_call("semtimedop(wake)", slept.error_number, place_.about());
      crash_point("lock: woken");
      debt.incur();
      if (place_.is_removed()) refuse_removed(place_.about());
    }
  }

  /// After this, either the release of the holder sees the flag, or this thread sees the release.
  /// Returns false if this process may not order the accesses of the holder: it may miss the
  /// release.
  bool announce_waiting() noexcept {
    // Sequentially consistent: seen by all before the look at the word that follows.
    waiters().exchange(1, std::memory_order_seq_cst);
    crash_point("lock: waiters set");
    return process::barrier_everywhere();
  }

  /// A process can be stopped, or its calls be refused by a sandbox, between releasing the lock and
  /// posting the token. Not ordered: a wake-up may be missed.
  static deadline slice_of(const deadline& until, bool ordered) noexcept {
    const auto a_moment = deadline::after(std::chrono::milliseconds(1));
    return until.or_earlier(ordered ? deadline::after(longest_sleep) : a_moment);
  }

  /// Precondition: the lock is held. Throws removed if the object was removed meanwhile, after
  /// releasing the lock.
  acquisition confirmed(acquisition how) {
    crash_point("lock: taken");
    if (place_.is_removed()) abandon(place_);
    return how;
  }

  [[noreturn, gnu::cold, gnu::noinline]] static void abandon(connection& place) {
    robust_lock(place).release();
    refuse_removed(place.about());
  }

  /// Wakes one waiter; when that releases the lock, it wakes the next.
  [[gnu::noinline]] static void wake_one(connection& place) noexcept {
    robust_lock lock(place);
    // Relaxed: the token is posted by a system call, which orders it.
    if (lock.waiters().exchange(0, std::memory_order_relaxed) == 0) return;
    crash_point("unlock: waiters cleared");
    lock.post_token();
  }

  void post_token() noexcept {
    // Fails if there is a token already, or if the set is gone, where nobody sleeps any more.
    static_cast<void>(place_.set().post_wake_token());
    crash_point("unlock: token posted");
  }

  std::atomic<std::uint64_t>& word() const noexcept { return place_.head().lock; }
  std::atomic<std::uint32_t>& waiters() const noexcept { return place_.head().waiters; }

  connection& place_;
};

}  // namespace shm::detail
