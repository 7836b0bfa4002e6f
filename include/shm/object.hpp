// Object: one T in shared memory, found by name, never torn, and whole whatever process dies.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <gsl/assert>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/by_value.hpp"
#include "base/open_mode.hpp"
#include "base/options.hpp"
#include "const_object.hpp"
#include "locked.hpp"
#include "object_reader.hpp"
#include "os/key.hpp"
#include "store/object_core.hpp"
#include "sync/held_lock.hpp"

namespace shm {

/// One T, shared by every process that opens the same name. Movable, not copyable; one handle may
/// be used from several threads at once. A moved-from handle may only be destroyed or assigned to.
/// The handle must outlive its guards.
///
/// Constructors block while a live process creates, opens or removes the object, at most
/// options::open_timeout. A creator that dies leaves nothing, or a half-made object that the next
/// opener completes. Constructors throw shm::error: already_exists, not_found, type_mismatch,
/// kind_mismatch, name_collision, foreign_segment, untrusted_owner, incompatible_layout, corrupt,
/// timed_out, no_free_seat, limit_reached, std::errc::invalid_argument, or the kernel's errno.
///
/// A handle that a forked child inherited takes a seat of its own at its first write or lock. That
/// can throw what opening throws; it blocks at most options::open_timeout, and never beyond the
/// deadline of a timed call.
///
/// The destructor of an object with lifetime::until_last_detach can block while another process
/// creates, opens or removes it, at most options::open_timeout.
template <class T>
class object : public object_reader<object<T>, T> {
 public:
  /// Opens it, or creates it with the value T(), or T{} where T() is not allowed.
  explicit object(const key& which, const options& how = {})
      : object(detail::open_mode::open_or_create, which, detail::default_object_blueprint<T>(),
               how) {}

  /// Creates it, with an initial value.
  object(create_only_t, const key& which, const detail::named_type<T>& initial,
         const options& how = {})
      : object(detail::open_mode::create_only, which,
               detail::object_blueprint<T>(std::addressof(initial)), how) {}
  /// Creates it, with the value T{}.
  object(create_only_t, const key& which, const options& how = {})
      : object(detail::open_mode::create_only, which, detail::default_object_blueprint<T>(), how) {}

  /// Opens what is there.
  object(open_only_t, const key& which, const options& how = {})
      : object(detail::open_mode::open_only, which, detail::object_blueprint<T>(nullptr), how) {}

  /// Opens it, or creates it with an initial value.
  object(open_or_create_t, const key& which, const detail::named_type<T>& initial,
         const options& how = {})
      : object(detail::open_mode::open_or_create, which,
               detail::object_blueprint<T>(std::addressof(initial)), how) {}

  /// Replaces the value. Blocks while another thread or process holds the lock. A crash leaves the
  /// value before, or the new one. Throws shm::error: removed, would_deadlock, corrupt.
  void store(const T& value) {
    const detail::held_lock lock = acquire();
    publish(value);
  }

  /// Like store(), but returns false, and changes nothing, if a live process holds the lock for
  /// that long.
  template <class Rep, class Period>
  [[nodiscard]] bool store_for(std::chrono::duration<Rep, Period> span, const T& value) {
    const auto lock = acquire(detail::deadline::after(span));
    if (lock) publish(value);
    return lock.has_value();
  }

  /// Calls f(T&) on a private draft under the lock, publishes the draft when f returns, and returns
  /// what f returns. When f throws, nothing is published and the exception goes on. Blocks, throws
  /// and survives a crash as store().
  template <class F>
  auto update(F&& f) {
    core& here = opened();  // f may move the handle
    const detail::held_lock lock = acquire();
    return change(here, lock, std::forward<F>(f));
  }

  /// Like update(), but returns false, without calling f, if a live process holds the lock for that
  /// long. Returns true when the draft is published; what f returns is discarded.
  template <class Rep, class Period, class F>
  [[nodiscard]] bool update_for(std::chrono::duration<Rep, Period> span, F&& f) {
    core& here = opened();  // f may move the handle
    const auto lock = acquire(detail::deadline::after(span));
    if (lock) static_cast<void>(change(here, *lock, std::forward<F>(f)));
    return lock.has_value();
  }

  /// A guard with a draft, published when its scope ends. Blocks while another holds the lock. A
  /// crash leaves the value before. Throws the same errors as store().
  [[nodiscard]] locked<T> lock() & { return {opened(), acquire()}; }
  void lock() && = delete;  // keep the handle in a variable

  /// Like lock(), but returns nothing if a live process holds the lock. Never blocks. In a forked
  /// child, at its first use, also returns nothing while another process creates, opens or removes
  /// the object. Throws the same errors as store() except would_deadlock.
  [[nodiscard]] std::optional<locked<T>> try_lock() & {
    return guarded(detail::held_lock::try_acquire(opened().place));
  }
  void try_lock() && = delete;  // keep the handle in a variable

  /// Like lock(), but returns nothing if a live process holds the lock for that long. Throws the
  /// same errors as store().
  template <class Rep, class Period>
  [[nodiscard]] std::optional<locked<T>> try_lock_for(std::chrono::duration<Rep, Period> span) & {
    return guarded(acquire(detail::deadline::after(span)));
  }
  template <class Span>
  void try_lock_for(Span) && = delete;  // keep the handle in a variable

  /// The number of updates published so far, by all processes.
  std::uint64_t version() const noexcept { return head().version.load(std::memory_order_acquire); }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().place.name(); }

 private:
  friend class object_reader<object, T>;
  friend class watchable<object>;
  using core = detail::object_core<T>;
  using cell = detail::cell_of<T>;

  object(detail::open_mode mode, const key& which, const detail::blueprint& plan,
         const options& how)
      : core_(new core(which, mode, how, plan)) {}

  core& opened() const {
    Expects(core_ != nullptr);
    return *core_;
  }
  detail::header& head() const { return opened().place.head(); }

  detail::held_lock acquire() { return detail::held_lock::acquire(opened().place); }
  std::optional<detail::held_lock> acquire(const detail::deadline& until) {
    return detail::held_lock::acquire(opened().place, until);
  }

  void publish(const T& value) {
    cell().publish(head(), opened().place.payload(), std::addressof(value));
  }

  template <class F>
  static auto change(core& here, const detail::held_lock& lock, F&& f) {
    detail::check_takes_reference<F, T>();
    detail::header& head = here.place.head();
    detail::draft<T> draft(here.buffer);
    cell().read(head.version, here.place.payload(), draft.bytes());
    return detail::call_then(std::forward<F>(f), *draft.get(), [&] {
      if (lock.is_held()) cell().publish(head, here.place.payload(), draft.bytes());
    });
  }

  std::optional<locked<T>> guarded(std::optional<detail::held_lock>&& lock) {
    if (!lock) return std::nullopt;
    return locked<T>(opened(), std::move(*lock));
  }

  template <class Use>
  auto watched(Use use) const {
    const detail::header& head = this->head();
    return use(
        opened().place, [&head] { return head.version.load(std::memory_order_acquire); },
        [] { return detail::words_of_change(); });
  }

  /// copy(from, version) takes what it needs out of a copy of the value, again until that was
  /// whole.
  template <class Copy>
  void read(const Copy& copy) const {
    const detail::connection& place = opened().place;
    if (place.is_removed()) detail::refuse_removed(place.about());
    if (!cell().try_read_by(place.head().version, place.payload(), copy)) read_patiently(copy);
  }

  template <class Copy>
  [[gnu::cold, gnu::noinline]] void read_patiently(Copy copy) const {
    const auto& version = head().version;
    const std::byte* const payload = opened().place.payload();
    for (;;) {
      for (int tries = 0; tries < detail::tries_before_locking; ++tries) {
        if (cell().try_read_by(version, payload, copy)) return;
      }
      // A writer is always faster: hold it up for one copy.
      if (opened().place.identity_bits_if_seated() == 0) continue;
      if (const auto lock = detail::held_lock::try_acquire(opened().place)) {
        // Relaxed: only holders write the version, and the lock orders holders.
        copy(cell().current(version, payload), version.load(std::memory_order_relaxed));
        return;
      }
    }
  }

  detail::open_handle<core> core_;
};

/// A C array can be neither returned nor passed.
template <class T, std::size_t N>
class object<T[N]> {
 public:
  /// Does not compile.
  template <class... Arguments>
  explicit object(Arguments&&...) {
    static_assert(
        N == 0 && N != 0,
        "shm: a C array is no value: use shm::object<std::array<T, N>>, a struct with the "
        "array as a member, or shm::array<T, N>");
  }
};
template <class T, std::size_t N>
class object<const T[N]> : public object<T[N]> {
 public:
  using object<T[N]>::object;
};

}  // namespace shm
