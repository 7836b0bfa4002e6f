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
  not_now,       ///< somebody alive holds it (until the deadline)
  taken,         ///< from a holder that released it
  taken_over     ///< from a holder that died
};

class robust_lock {
 public:
  explicit robust_lock(connection& place) noexcept : place_(place), word_(place.head().lock) {}

  /// Blocks until the deadline. Throws would_deadlock, removed, corrupt; after any throw the lock is
  /// not held.
  acquisition acquire(const deadline& until) {
    if (take_quickly()) return confirmed(acquisition::taken);
    return acquire_slowly(until);
  }

  /// Never blocks. Not now, when this thread itself holds it.
  acquisition try_acquire() {
    if (take_quickly()) return confirmed(acquisition::taken);
    return try_acquire_slowly();
  }

  bool is_held_by_this_thread() const noexcept {
    const std::uint64_t seated = place_.identity_bits_if_seated();
    if (seated == 0) return false;
    const lock_word me(seat_identity::in(seated), process::thread_id());
    return lock_word(word_.load(std::memory_order_relaxed)).same_holder(me);
  }

  /// False when this thread does not hold it. Never blocks, never throws.
  bool release() noexcept {
    crash_point("unlock: before");
    std::uint64_t expected = word_if_known();
    // Release: what was written inside is there for whoever takes the lock. A word of 0 is free, and
    // fails here only by leaving it free.
    if (expected != 0 && word_.compare_exchange_strong(expected, 0, std::memory_order_release,
                                                       std::memory_order_relaxed)) {
      crash_point("unlock: released");
      return true;
    }
    return release_slowly();
  }

 private:
  static constexpr int spins = 128;

  /// Me without any system call; 0 when one is needed to know.
  std::uint64_t word_if_known() const noexcept {
    const std::uint64_t seated = place_.identity_bits_if_seated();
    const std::uint32_t thread = process::thread_id_if_cached(process::current_or_zero());
    return seated != 0 && thread != 0 ? seated | std::uint64_t{thread} << 1 : 0;
  }

  bool take_quickly() noexcept {
    const std::uint64_t me = word_if_known();
    std::uint64_t free = 0;
    // Acquire: the holder before released what it wrote. The same at every way to the lock below.
    return me != 0 &&
           word_.compare_exchange_strong(free, me, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }

  lock_word word_of_this_thread() { return {place_.identity(), process::thread_id()}; }

  [[gnu::noinline]] acquisition acquire_slowly(const deadline& until) {
    const lock_word me = word_of_this_thread();
    if (take(lock_word(0), me)) return confirmed(acquisition::taken);
    const lock_word found(word_.load(std::memory_order_relaxed));
    if (found.same_holder(me)) {
      refuse(errc::would_deadlock, place_.about(),
             "this thread holds the lock already, through this handle; release it first");
    }
    const acquisition how = wait(me, until);
    return how == acquisition::not_now ? how : confirmed(how);
  }

  [[gnu::noinline]] acquisition try_acquire_slowly() {
    const lock_word me = word_of_this_thread();
    if (take(lock_word(0), me)) return confirmed(acquisition::taken);
    const lock_word found(word_.load(std::memory_order_relaxed));
    if (found.is_free() || found.same_holder(me) || place_.is_alive(found.holder())) return acquisition::not_now;
    return take_over(found, me.with_waiters_of(found)) ? confirmed(acquisition::taken_over)
                                                       : acquisition::not_now;
  }

  [[gnu::noinline]] bool release_slowly() noexcept {
    if (!is_held_by_this_thread()) return false;
    const lock_word before(word_.exchange(0, std::memory_order_release));
    crash_point("unlock: released");
    if (before.has_waiters()) post_token();
    return true;
  }

  /// Whoever has taken a token and leaves without the lock passes it on: it may have been meant for
  /// somebody who sleeps beside a free lock.
  class wake_debt {
   public:
    explicit wake_debt(robust_lock& lock) noexcept : lock_(lock) {}
    wake_debt(const wake_debt&) = delete;
    wake_debt& operator=(const wake_debt&) = delete;
    ~wake_debt() {
      if (owed_) lock_.post_token();
    }
    void incur() noexcept { owed_ = true; }
    void settle() noexcept { owed_ = false; }

   private:
    robust_lock& lock_;
    bool owed_ = false;
  };

  acquisition wait(const lock_word me, const deadline& until) {
    if (spin(me)) return acquisition::taken;
    lock_word wanted = me;
    wake_debt debt(*this);
    for (;;) {
      lock_word holder(word_.load(std::memory_order_relaxed));
      if (holder.is_free()) {
        if (take(holder, wanted)) {
          debt.settle();
          return acquisition::taken;
        }
        continue;
      }
      if (!announce_waiting(holder)) continue;
      crash_point("lock: waiters set");
      // In this order: whoever dies after this look leaves a token for the sleep below.
      if (!place_.is_alive(holder.holder())) {
        crash_point("lock: owner found dead");
        if (take_over(holder, me.with_waiters())) {
          debt.settle();
          return acquisition::taken_over;
        }
        continue;
      }
      crash_point("lock: before sleep");
      const status slept = place_.set().take_wake_token(until);
      if (slept.error_number == EAGAIN) return acquisition::not_now;
      if (means_gone(slept.error_number)) place_.give_up();
      if (!slept.ok()) refuse_set_call("semtimedop(wake)", slept.error_number, place_.about());
      crash_point("lock: woken");
      debt.incur();
      if (place_.is_removed()) refuse_removed(place_.about());
      // Others may still sleep, and this was the only token: the release has to post the next one.
      wanted = me.with_waiters();
    }
  }

  bool spin(const lock_word me) noexcept {
    for (int i = 0; i < spins; ++i) {
      const lock_word found(word_.load(std::memory_order_relaxed));
      if (found.is_free() && take(found, me)) return true;
      pause_briefly();
    }
    return false;
  }

  /// Afterwards `holder` is what the word was seen to be, with waiters.
  bool announce_waiting(lock_word& holder) noexcept {
    if (holder.has_waiters()) return true;
    std::uint64_t expected = holder.bits();
    // Relaxed: the release that finds the bit is ordered by the word itself.
    if (!word_.compare_exchange_strong(expected, holder.with_waiters().bits(),
                                       std::memory_order_relaxed)) {
      return false;
    }
    holder = holder.with_waiters();
    return true;
  }

  bool take(lock_word found, lock_word mine) noexcept {
    std::uint64_t expected = found.bits();
    return word_.compare_exchange_strong(expected, mine.bits(), std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }

  /// Once dead is dead for ever, so nobody can have come back under this word.
  bool take_over(lock_word dead, lock_word mine) noexcept {
    const bool mine_now = take(dead, mine);
    if (mine_now) crash_point("lock: taken over");
    return mine_now;
  }

  /// With the lock in hand: is there still an object to be locked?
  acquisition confirmed(acquisition how) {
    crash_point("lock: taken");
    if (place_.is_removed()) abandon();
    return how;
  }

  [[noreturn, gnu::cold, gnu::noinline]] void abandon() {
    release();
    refuse_removed(place_.about());
  }

  void post_token() noexcept {
    // EAGAIN: a token is there. Gone: nobody sleeps there any more, and the next one is told.
    const status posted = place_.set().post_wake_token();
    if (means_gone(posted.error_number)) place_.mark_removed();
    crash_point("unlock: token posted");
  }

  connection& place_;
  std::atomic<std::uint64_t>& word_;
};

}  // namespace shm::detail
