// Mutex: a lock with a name, shared by processes, that outlives its holder and tells the next one.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <chrono>
#include <cstdint>
#include <gsl/assert>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/open_mode.hpp"
#include "base/options.hpp"
#include "os/key.hpp"
#include "session/connection.hpp"
#include "sync/announcement.hpp"
#include "sync/death_note.hpp"
#include "sync/robust_lock.hpp"
#include "sync/watch.hpp"

namespace shm {

/// A lock with a name. Meets Lockable and TimedLockable. When a holder dies, in whatever way, the
/// next one gets the lock, and owner_died() is true until a holder calls mark_repaired(). Movable
/// while nobody holds it or waits through this handle, not copyable; one handle may be used from
/// several threads. A handle that is destroyed while it holds the lock holds it until the process
/// ends.
///
/// Constructors and destructor block, and constructors throw, like those of shm::object.
class mutex {
 public:
  /// Opens it, or creates it.
  explicit mutex(const key& which, const options& how = {})
      : mutex(detail::open_mode::open_or_create, which, how) {}
  /// Creates it.
  mutex(create_only_t, const key& which, const options& how = {})
      : mutex(detail::open_mode::create_only, which, how) {}
  /// Opens what is there.
  mutex(open_only_t, const key& which, const options& how = {})
      : mutex(detail::open_mode::open_only, which, how) {}
  /// Opens it, or creates it.
  mutex(open_or_create_t, const key& which, const options& how = {})
      : mutex(detail::open_mode::open_or_create, which, how) {}

  /// Blocks while another thread or process holds the lock. Throws shm::error: would_deadlock if
  /// this thread holds it through this handle, removed, corrupt. After a throw the lock is not
  /// held.
  void lock() { static_cast<void>(acquire(detail::deadline::never())); }

  /// Returns false if a live process holds the lock, this thread included. Never blocks. In a
  /// forked child, at its first use, also returns false while another process creates, opens or
  /// removes the mutex. Throws shm::error: removed, corrupt.
  [[nodiscard]] bool try_lock() { return noted(detail::robust_lock(opened()).try_acquire()); }

  /// Returns false if a live process holds the lock for that long. Throws the same errors as
  /// lock().
  template <class Rep, class Period>
  [[nodiscard]] bool try_lock_for(std::chrono::duration<Rep, Period> span) {
    return acquire(detail::deadline::after(span));
  }

  /// Returns false if a live process holds the lock until then. A moment too far for its clock, or
  /// for ours, is never reached. Throws the same errors as lock().
  template <class Clock, class Duration>
  [[nodiscard]] bool try_lock_until(std::chrono::time_point<Clock, Duration> moment) {
    for (;;) {
      const auto left = detail::deadline::left_until(moment);
      if (!(left.count() > 0)) return try_lock();
      if (try_lock_for(left)) return true;  // else look again: that clock may have been set
    }
  }

  /// The calling thread must hold the lock. Never blocks, never throws. In a forked child's copy of
  /// a handle that the parent locked, it does nothing, unless this thread has locked it itself
  /// since.
  void unlock() noexcept {
    const std::uint64_t mine = opened().identity_bits_unless_inherited();
    if (mine == 0) return unlock_in_child();
    Expects(held_by_this_thread_ > 0);
    --held_by_this_thread_;
    detail::robust_lock(opened()).release_as(mine);
  }

  /// Returns whether an earlier holder died in its critical section and no holder has repaired
  /// since. Never blocks. May be called with or without the lock.
  bool owner_died() const noexcept {
    return (section().load(std::memory_order_acquire) & detail::section_bit::owner_died) != 0;
  }

  /// Marks the data as repaired after a holder died. The calling thread must hold the lock.
  void mark_repaired() noexcept {
    Expects(held_by_this_thread_ > 0);
    if (!detail::robust_lock(opened()).is_held_by_this_thread()) return;
    detail::note_repair_of_mutex(opened().head());
  }

  /// Releases the lock, blocks until another thread or process calls notify_all(), and acquires the
  /// lock again; repeats that until the predicate is true. The predicate is called with the lock
  /// held, and first of all. The calling thread must hold the lock through `lock`.
  ///
  ///     shm::unique_lock lock(mutex);
  ///     mutex.wait(lock, [&] { return !list->is_empty() || mutex.owner_died(); });
  ///
  /// A process that dies while it holds the lock counts as a notification, within 100 milliseconds:
  /// the predicate is then called with owner_died() true. A process that dies inside notify_all()
  /// has notified all waiting threads, or none. When the predicate throws, the lock stays held.
  /// Throws the same errors as lock(); then the lock is not held.
  template <class Predicate>
  void wait(std::unique_lock<mutex>& lock, Predicate satisfied) {
    static_cast<void>(wait_until(lock, detail::deadline::never(), satisfied));
  }

  /// Like wait(), but returns false if the predicate is still false after that time. Acquiring the
  /// lock again can take longer.
  template <class Rep, class Period, class Predicate>
  [[nodiscard]] bool wait_for(std::unique_lock<mutex>& lock,
                              std::chrono::duration<Rep, Period> span, Predicate satisfied) {
    return wait_until(lock, detail::deadline::after(span), satisfied);
  }

  /// Wakes all threads, of all processes, that are inside wait() or wait_for(). May be called with
  /// or without the lock; what the predicates look at must be changed with it. Never blocks.
  void notify_all() noexcept { detail::announcement(opened().head()).of_one_more(); }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().name(); }

 private:
  mutex(detail::open_mode mode, const key& which, const options& how)
      : place_(new detail::connection(which, mode, how, &plan())) {}

  static const detail::blueprint& plan() {
    static const schema nothing(std::string(), 0, 1);
    static const detail::blueprint without_value{detail::segment_kind::mutex,    &nothing, 0, 1,
                                                 [](std::byte*, const void*) {}, nullptr};
    return without_value;
  }

  detail::connection& opened() const {
    Expects(place_ != nullptr);
    return *place_;
  }
  std::atomic<std::uint32_t>& section() const noexcept { return opened().head().section; }

  /// The count is a copy of the parent's, and says nothing about this child.
  [[gnu::cold, gnu::noinline]] void unlock_in_child() noexcept {
    detail::robust_lock lock(opened());
    if (!lock.is_held_by_this_thread()) return;
    --held_by_this_thread_;
    lock.release();
  }

  bool acquire(const detail::deadline& until) {
    return noted(detail::robust_lock(opened()).acquire(until));
  }

  bool noted(detail::acquisition how) noexcept {
    if (how == detail::acquisition::taken_over) detail::note_death_in_mutex(opened().head());
    if (how == detail::acquisition::not_now) return false;
    ++held_by_this_thread_;
    return true;
  }

  template <class Predicate>
  bool wait_until(std::unique_lock<mutex>& lock, const detail::deadline& until,
                  Predicate& satisfied) {
    Expects(lock.owns_lock() && lock.mutex() == this);
    while (!satisfied()) {
      if (until.passed()) return false;
      // Read with the lock held: a later change of what the predicate looks at is a later version.
      const std::uint64_t seen = notifications();
      lock.unlock();
      await_notification(seen, until);
      lock.lock();
    }
    return true;
  }

  std::uint64_t notifications() const noexcept {
    return opened().head().version.load(std::memory_order_acquire);
  }

  /// Nothing tells of the death of a holder for whose lock nobody waits, so this looks for one.
  void await_notification(std::uint64_t seen, const detail::deadline& until) const {
    const detail::watch changes(opened());
    for (bool is_over = false; !is_over;) {
      const auto slice = until.or_earlier(detail::deadline::after(std::chrono::milliseconds(100)));
      is_over = changes.wait(seen, slice).has_value() || until.passed() || opened().is_abandoned();
    }
  }

  detail::open_handle<detail::connection> place_;

  /// Counts the locks of all mutexes. Kept in private memory, because the lock word is not: what
  /// somebody scribbled there is no broken precondition of this program.
  static inline thread_local unsigned held_by_this_thread_ = 0;
};

/// Several at once are locked without deadlock, as std::lock does.
using scoped_lock = std::scoped_lock<mutex>;
/// For locking later, and trying. Not for handing on to another thread: who locks unlocks.
using unique_lock = std::unique_lock<mutex>;

}  // namespace shm
