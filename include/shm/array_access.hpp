// Array access: what programs do with an array that they may write, of fixed or dynamic length.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <gsl/assert>
#include <gsl/span>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/by_value.hpp"
#include "base/extent.hpp"
#include "base/options.hpp"
#include "locked_array.hpp"
#include "os/key.hpp"
#include "store/array_core.hpp"
#include "watchable.hpp"

namespace shm {

/// What array<T, N> and array<T> have in common. Programs name those.
template <class T, std::size_t N>
class array_access : public extent<N>, public watchable<array_access<T, N>> {
  static_assert(N == dynamic || detail::fits_in_memory<T>(N),
                "shm: an array of N elements T is larger than an address space");

 public:
  /// Returns the latest stored value of the element, whole. Lock-free beside stores of writers,
  /// alive or dead; blocks while a live process edits in place through raw(). Throws
  /// std::out_of_range; shm::error: removed, damaged, and would_deadlock if this thread edits in
  /// place through the same handle.
  T load(std::size_t i) const {
    detail::check_index(i, this->size());
    return detail::value_from_bytes<T>([this, i](void* to) { read(i, to); });
  }

  /// Copies the latest stored value of the element into memory of the caller, and returns it: for a
  /// T that fits on no stack. Like load(i). When it throws, what `into` holds is unspecified.
  T& load(std::size_t i, T& into) const {
    detail::check_assignable<T>();
    detail::check_index(i, this->size());
    read(i, std::addressof(into));
    return into;
  }

  /// Replaces one element. Blocks while another holds the lock. A crash leaves the element before
  /// or the new one. Throws std::out_of_range; shm::error: removed, would_deadlock, corrupt.
  void store(std::size_t i, const T& value) {
    detail::check_index(i, this->size());
    const detail::held_lock lock = opened().acquire();
    opened().store(i, std::addressof(value));
  }

  /// Like store(), but returns false, and changes nothing, if a live process holds the lock for
  /// that long.
  template <class Rep, class Period>
  [[nodiscard]] bool store_for(std::chrono::duration<Rep, Period> span, std::size_t i,
                               const T& value) {
    detail::check_index(i, this->size());
    const auto lock = opened().acquire(detail::deadline::after(span));
    if (lock) opened().store(i, std::addressof(value));
    return lock.has_value();
  }

  /// Calls f(T&) on a private draft of one element under the lock, stores the draft when f returns,
  /// and returns what f returns. When f throws, nothing is stored and the exception goes on.
  /// Blocks, throws and survives a crash as store().
  template <class F>
  auto update(std::size_t i, F&& f) {
    detail::check_index(i, this->size());
    core& here = opened();  // f may move the handle
    const detail::held_lock lock = here.acquire();
    return change(here, lock, i, std::forward<F>(f));
  }

  /// Like update(), but returns false, without calling f, if a live process holds the lock for that
  /// long. Returns true when the draft is stored; what f returns is discarded.
  template <class Rep, class Period, class F>
  [[nodiscard]] bool update_for(std::chrono::duration<Rep, Period> span, std::size_t i, F&& f) {
    detail::check_index(i, this->size());
    core& here = opened();  // f may move the handle
    const auto lock = here.acquire(detail::deadline::after(span));
    if (lock) static_cast<void>(change(here, *lock, i, std::forward<F>(f)));
    return lock.has_value();
  }

  /// One lock over all elements. Blocks while another holds it. A crash inside leaves every element
  /// whole, and locked_array::owner_died() true. Throws shm::error: removed,
  /// would_deadlock, corrupt.
  [[nodiscard]] locked_array<T, N> lock() & { return {opened(), opened().acquire()}; }
  void lock() && = delete;  // keep the handle in a variable

  /// Like lock(), but returns nothing if a live process holds the lock. Never blocks. In a forked
  /// child, at its first use, also returns nothing while another process creates, opens or removes
  /// the array. Throws the same errors as lock() except would_deadlock.
  [[nodiscard]] std::optional<locked_array<T, N>> try_lock() & {
    return guarded(opened().try_acquire());
  }
  void try_lock() && = delete;  // keep the handle in a variable

  /// Like lock(), but returns nothing if a live process holds the lock for that long. Throws the
  /// same errors as lock().
  template <class Rep, class Period>
  [[nodiscard]] std::optional<locked_array<T, N>> try_lock_for(
      std::chrono::duration<Rep, Period> span) & {
    return guarded(opened().acquire(detail::deadline::after(span)));
  }
  template <class Span>
  void try_lock_for(Span) && = delete;  // keep the handle in a variable

  /// Returns all elements as they were at one moment: array<T, N> a std::array<T, N>, array<T> a
  /// std::vector<T>. Blocks while another thread or process holds the lock. Throws the same errors
  /// as lock(), and damaged.
  detail::all_elements<T, N> snapshot() const {
    return detail::elements_from_bytes<T, N>(this->size(), [this](void* to) { read_all(to); });
  }

  /// Copies all elements as they were at one moment into memory of the caller, like snapshot().
  /// Throws std::invalid_argument if the span has not as many elements as the array. When it
  /// throws something else, what the span holds is unspecified.
  void snapshot(gsl::span<T> into) const {
    detail::check_assignable<T>();
    detail::check_span(into.size(), this->size());
    read_all(into.data());
  }

  /// Returns how many elements were stored, and how many edits in place were made, so far, by all
  /// processes.
  std::uint64_t version() const noexcept { return opened().view().stores(); }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().place.name(); }

 protected:
  /// @cond
  array_access(detail::open_mode mode, const key& which, const detail::blueprint& plan,
               const options& how)
      : array_access(detail::open_handle<core>(new core(which, mode, how, plan))) {}
  array_access(array_access&&) noexcept = default;
  array_access& operator=(array_access&&) noexcept = default;
  ~array_access() = default;
  /// @endcond

 private:
  friend class watchable<array_access>;
  using core = detail::array_core<T, N>;

  explicit array_access(detail::open_handle<core>&& opened)
      : extent<N>(opened->memory().count), core_(std::move(opened)) {}

  core& opened() const {
    Expects(core_ != nullptr);
    return *core_;
  }

  template <class Use>
  auto watched(Use use) const {
    return opened().watched(use);
  }

  std::optional<locked_array<T, N>> guarded(std::optional<detail::held_lock>&& lock) {
    if (!lock) return std::nullopt;
    return locked_array<T, N>(opened(), std::move(*lock));
  }

  template <class F>
  static auto change(core& here, const detail::held_lock& lock, std::size_t i, F&& f) {
    detail::check_takes_reference<F, T>();
    detail::draft<T> draft(here.buffer);
    std::memcpy(draft.bytes(), here.view().element(i), sizeof(T));
    return detail::call_then(std::forward<F>(f), *draft.get(), [&] {
      if (lock.is_held()) here.store(i, draft.bytes());
    });
  }

  void read_all(void* to) const {
    const detail::held_lock lock = opened().acquire();
    if (opened().is_damaged()) detail::refuse_damaged(opened().place.about());
    detail::load_shared<alignof(T)>(to, opened().view().element(0), this->size() * sizeof(T));
  }

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

}  // namespace shm
