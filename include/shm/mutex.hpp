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
#include "sync/death_note.hpp"
#include "sync/robust_lock.hpp"

namespace shm {

/// A lock with a name. Meets Lockable and TimedLockable. When a holder dies, however it dies, the
/// next one gets the lock and finds owner_died() true until somebody calls mark_repaired(). Movable
/// while nobody holds it through this handle, not copyable; one handle may be used from several
/// threads.
///
/// Constructors block and throw as those of shm::object.
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

  /// Blocks while another holds it. Throws shm::error: would_deadlock when this thread holds it
  /// through this handle, removed, corrupt. After a throw it is not held.
  void lock() { static_cast<void>(acquire(detail::deadline::never())); }

  /// False when somebody alive holds it. Never blocks. Throws shm::error: removed, corrupt.
  [[nodiscard]] bool try_lock() { return noted(detail::robust_lock(opened()).try_acquire()); }

  /// False when somebody alive holds it for that long. Throws as lock().
  template <class Rep, class Period>
  [[nodiscard]] bool try_lock_for(std::chrono::duration<Rep, Period> span) {
    return acquire(detail::deadline::after(span));
  }

  /// False when somebody alive holds it until then. A moment too far for its clock, or for ours,
  /// is never reached. Throws as lock().
  template <class Clock, class Duration>
  [[nodiscard]] bool try_lock_until(std::chrono::time_point<Clock, Duration> moment) {
    for (;;) {
      const auto left = detail::deadline::left_until(moment);
      if (!(left.count() > 0)) return try_lock();
      if (try_lock_for(left)) return true;  // else look again: that clock may have been set
    }
  }

  /// By the thread that holds it. Never blocks, never throws. In a forked child's copy of a handle
  /// that the parent locked, it does nothing, unless this thread has locked it itself since.
  void unlock() noexcept {
    const std::uint64_t mine = opened().identity_bits_unless_inherited();
    if (mine == 0) return unlock_in_child();
    Expects(held_by_this_thread_ > 0);
    --held_by_this_thread_;
    detail::robust_lock(opened()).release_as(mine);
  }

  /// Whether an earlier holder died in its critical section and nobody has repaired since. Never
  /// blocks; asked by the holder, or by anybody who only wants to know.
  bool owner_died() const noexcept {
    return (section().load(std::memory_order_acquire) & detail::section_bit::owner_died) != 0;
  }

  /// By the present holder: what the dead one left is in order again.
  void mark_repaired() noexcept {
    Expects(held_by_this_thread_ > 0);
    if (!detail::robust_lock(opened()).is_held_by_this_thread()) return;
    detail::note_repair_of_mutex(opened().head());
  }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().name(); }

 private:
  mutex(detail::open_mode mode, const key& which, const options& how)
      : place_(std::make_unique<detail::connection>(which, mode, how, &plan())) {}

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

  /// The count began with the parent's, and says nothing.
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

  std::unique_ptr<detail::connection> place_;

  /// Of all mutexes. Private, because the lock word is not: what somebody scribbled there is no
  /// broken precondition of this program.
  static inline thread_local unsigned held_by_this_thread_ = 0;
};

/// Several at once are locked without deadlock, as std::lock does.
using scoped_lock = std::scoped_lock<mutex>;
/// For locking later, and trying. Not for handing on to another thread: who locks unlocks.
using unique_lock = std::unique_lock<mutex>;

}  // namespace shm
