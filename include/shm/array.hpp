// Array: N contiguous T in shared memory, each element whole whatever process dies.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <gsl/assert>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/by_value.hpp"
#include "base/open_mode.hpp"
#include "base/options.hpp"
#include "locked_array.hpp"
#include "os/key.hpp"
#include "session/observer.hpp"
#include "store/array_core.hpp"

namespace shm {

/// N elements T, shared by every process that opens the same name. Movable, not copyable; one
/// handle may be used from several threads at once. A moved-from handle may only be destroyed or
/// assigned to. The handle must outlive its guards.
///
/// Constructors and destructor block, and constructors throw, like those of shm::object; another N
/// is a type_mismatch.
template <class T, std::size_t N>
class array {
  static_assert(N > 0, "shm: an array has at least one element");
  static_assert(detail::fits_in_memory<T>(N),
                "shm: an array of N elements T is larger than an address space");

 public:
  /// Opens it, or creates it with T{} in every element.
  explicit array(const key& which, const options& how = {})
      : array(detail::open_mode::open_or_create, which, detail::default_array_blueprint<T, N>(),
              how) {}

  /// Creates it, with the initial value in every element.
  array(create_only_t, const key& which, const detail::named_type<T>& initial,
        const options& how = {})
      : array(detail::open_mode::create_only, which,
              detail::array_blueprint<T, N>(std::addressof(initial)), how) {}
  /// Creates it, with T{} in every element.
  array(create_only_t, const key& which, const options& how = {})
      : array(detail::open_mode::create_only, which, detail::default_array_blueprint<T, N>(), how) {
  }

  /// Opens what is there.
  array(open_only_t, const key& which, const options& how = {})
      : array(detail::open_mode::open_only, which, detail::array_blueprint<T, N>(nullptr), how) {}

  /// Opens it, or creates it with the initial value in every element.
  array(open_or_create_t, const key& which, const detail::named_type<T>& initial,
        const options& how = {})
      : array(detail::open_mode::open_or_create, which,
              detail::array_blueprint<T, N>(std::addressof(initial)), how) {}

  /// Returns the latest stored value of the element, whole. Lock-free beside stores of writers,
  /// alive or dead; blocks while a live process edits in place through raw(). Throws
  /// std::out_of_range; shm::error: removed, damaged, and would_deadlock if this thread edits in
  /// place through the same handle.
  T load(std::size_t i) const {
    detail::check_index<N>(i);
    return detail::value_from_bytes<T>([this, i](void* to) { read(i, to); });
  }

  /// Replaces one element. Blocks while another holds the lock. A crash leaves the element before
  /// or the new one. Throws std::out_of_range; shm::error: removed, would_deadlock, corrupt.
  void store(std::size_t i, const T& value) {
    detail::check_index<N>(i);
    const detail::held_lock lock = acquire();
    opened().view().store(i, std::addressof(value));
  }

  /// Calls f(T&) on a private draft of one element under the lock, stores the draft when f returns,
  /// and returns what f returns. When f throws, nothing is stored and the exception goes on.
  /// Blocks, throws and survives a crash as store().
  template <class F>
  auto update(std::size_t i, F&& f) {
    detail::check_takes_reference<F, T>();
    detail::check_index<N>(i);
    core& here = opened();  // f may move the handle
    const detail::held_lock lock = acquire();
    detail::draft<T> draft(here.buffer);
    std::memcpy(draft.bytes(), here.view().element(i), sizeof(T));
    return detail::call_then(std::forward<F>(f), *draft.get(), [&] {
      if (lock.is_held()) here.view().store(i, draft.bytes());
    });
  }

  /// One lock over all elements. Blocks while another holds it. A crash inside leaves every element
  /// whole, and locked_array::owner_died() true. Throws shm::error: removed,
  /// would_deadlock, corrupt.
  [[nodiscard]] locked_array<T, N> lock() & { return {opened(), acquire()}; }
  void lock() && = delete;  // keep the handle in a variable

  /// Returns all elements as they were at one moment. Blocks while another thread or process holds
  /// the lock. Throws the same errors as lock(), and damaged.
  std::array<T, N> snapshot() const {
    const detail::held_lock lock = opened().acquire();
    if (opened().is_damaged()) detail::refuse_damaged(opened().place.about());
    return detail::value_from_bytes<std::array<T, N>>([this](void* to) {
      detail::load_shared<alignof(T)>(to, opened().view().element(0), N * sizeof(T));
    });
  }

  /// N.
  static constexpr std::size_t size() noexcept { return N; }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().place.name(); }

 private:
  using core = detail::array_core<T, N>;

  array(detail::open_mode mode, const key& which, const detail::blueprint& plan, const options& how)
      : core_(new core(which, mode, how, plan)) {}

  core& opened() const {
    Expects(core_ != nullptr);
    return *core_;
  }
  detail::held_lock acquire() { return opened().acquire(); }

  void read(std::size_t i, void* to) const {
    if (!opened().reader().try_load(i, to)) read_patiently(i, to);
  }

  [[gnu::cold, gnu::noinline]] void read_patiently(std::size_t i, void* to) const {
    const auto reader = opened().reader();
    for (;;) {
      for (int tries = 0; tries < detail::tries_before_locking; ++tries) {
        refuse_to_wait_for_oneself();
        reader.wait_while_edited_in_place(detail::deadline::never());
        if (reader.try_load(i, to)) return;
      }
      // A writer is always faster: hold it up for one copy.
      if (opened().place.identity_bits_if_seated() == 0) continue;
      if (const auto lock = opened().try_acquire()) {
        if (opened().is_damaged()) continue;  // and be told so
        detail::load_shared<alignof(T)>(to, opened().view().element(i), sizeof(T));
        return;
      }
    }
  }

  void refuse_to_wait_for_oneself() const {
    if (!opened().is_damaged() || !detail::robust_lock(opened().place).is_held_by_this_thread())
      return;
    if (opened().place.set().value(detail::semaphore::raw).value == 0) return;  // a dead editor's
    detail::refuse(errc::would_deadlock, opened().place.about(),
                   "this thread edits the array in place; read through the guard instead");
  }

  detail::open_handle<core> core_;
};

/// An array that this program only reads: attached read-only, never created, never modified; read
/// permission is enough. It takes no seat, but counts as attached. If the semaphores of the array
/// were lost, it can be opened and read, but throws removed where it would have to wait for an edit
/// in place. Throws what the constructors of object throw.
template <class T, std::size_t N>
class array<const T, N> {
  static_assert(N > 0, "shm: an array has at least one element");
  static_assert(detail::fits_in_memory<T>(N),
                "shm: an array of N elements T is larger than an address space");

 public:
  /// Opens what is there; never creates.
  explicit array(const key& which, const options& how = {})
      : place_(open(which, how, detail::array_blueprint<T, N>(nullptr))) {}
  /// Opens what is there; never creates.
  array(open_only_t, const key& which, const options& how = {}) : array(which, how) {}

  /// Like array<T, N>::load(), without would_deadlock.
  T load(std::size_t i) const {
    detail::check_index<N>(i);
    return detail::value_from_bytes<T>([this, i](void* to) {
      const auto reader = this->reader();
      while (!reader.try_load(i, to)) {
        reader.wait_while_edited_in_place(detail::deadline::never());
      }
    });
  }

  /// Returns all elements as they were at one moment. Throws shm::error: removed, damaged, and
  /// timed_out if the array never stands still for long enough within options::open_timeout.
  std::array<T, N> snapshot() const {
    return detail::value_from_bytes<std::array<T, N>>([this](void* to) {
      const auto reader = this->reader();
      const auto until = detail::deadline::after(opened().open_timeout());
      while (!reader.try_snapshot(to, until)) {
        if (!until.passed()) continue;
        detail::refuse(errc::timed_out, opened().about(),
                       "the array never stood still for one snapshot within options::open_timeout; "
                       "take it from a read-write handle, which locks");
      }
    });
  }

  /// N.
  static constexpr std::size_t size() noexcept { return N; }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().name(); }

 private:
  using memory_type = const detail::array_memory<T, N>;
  using reader_type = detail::array_reader<memory_type>;

  reader_type reader() const noexcept {
    return {opened(), *static_cast<memory_type*>(static_cast<const void*>(opened().payload()))};
  }

  static detail::open_handle<detail::observer> open(const key& which, const options& how,
                                                    const detail::blueprint& plan) {
    return detail::open_handle<detail::observer>(
        new detail::observer(which, how, &plan, detail::waiting::in_kernel));
  }

  const detail::observer& opened() const {
    Expects(place_ != nullptr);
    return *place_;
  }

  detail::open_handle<detail::observer> place_;
};

}  // namespace shm
