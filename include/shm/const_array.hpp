// Const array: an array that this program only reads, attached read-only.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <cstddef>
#include <cstdint>
#include <gsl/assert>
#include <gsl/span>
#include <memory>
#include <string_view>
#include <utility>

#include "base/deadline.hpp"
#include "base/extent.hpp"
#include "base/open_mode.hpp"
#include "base/options.hpp"
#include "os/key.hpp"
#include "session/observer.hpp"
#include "store/array_core.hpp"
#include "watchable.hpp"

namespace shm {

/// What array<const T, N> and array<const T> have in common. Programs name those.
template <class T, std::size_t N>
class const_array_access : public extent<N>, public watchable<const_array_access<T, N>> {
  static_assert(N == dynamic || detail::fits_in_memory<T>(N),
                "shm: an array of N elements T is larger than an address space");

 public:
  /// Like array<T, N>::load(), without would_deadlock.
  T load(std::size_t i) const {
    detail::check_index(i, this->size());
    return detail::value_from_bytes<T>([this, i](void* to) { read(i, to); });
  }

  /// Like array<T, N>::load(i, into), without would_deadlock.
  T& load(std::size_t i, T& into) const {
    detail::check_assignable<T>();
    detail::check_index(i, this->size());
    read(i, std::addressof(into));
    return into;
  }

  /// Returns all elements as they were at one moment: array<const T, N> a std::array<T, N>,
  /// array<const T> a std::vector<T>. Throws shm::error: removed, damaged, and timed_out if the
  /// array never stands still for long enough within options::open_timeout.
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
  const_array_access(const key& which, const options& how)
      : const_array_access(which, how, detail::plan_for_opening<T, N>()) {}
  const_array_access(const_array_access&&) noexcept = default;
  const_array_access& operator=(const_array_access&&) noexcept = default;
  ~const_array_access() = default;
  /// @endcond

 private:
  friend class watchable<const_array_access>;
  using core = detail::const_array_core<T, N>;

  const_array_access(const key& which, const options& how, const detail::blueprint& plan)
      : const_array_access(
            detail::open_handle<core>(new core(which, how, &plan, detail::waiting::in_kernel))) {}
  explicit const_array_access(detail::open_handle<core>&& opened)
      : extent<N>(opened->memory().count), core_(std::move(opened)) {}

  const core& opened() const {
    Expects(core_ != nullptr);
    return *core_;
  }

  template <class Use>
  auto watched(Use use) const {
    return opened().watched(use);
  }

  void read(std::size_t i, void* to) const {
    const auto reader = opened().reader();
    while (!reader.try_load(i, to)) {
      reader.wait_while_edited_in_place(detail::deadline::never());
    }
  }

  void read_all(void* to) const {
    const auto reader = opened().reader();
    const auto until = detail::deadline::after(opened().place.open_timeout());
    while (!reader.try_snapshot(to, until)) {
      if (!until.passed()) continue;
      detail::refuse(errc::timed_out, opened().place.about(),
                     "the array never stood still for one snapshot within options::open_timeout; "
                     "take it from a read-write handle, which locks");
    }
  }

  detail::open_handle<core> core_;
};

/// An array that this program only reads: attached read-only, never created, never modified; read
/// permission is enough. It takes no seat, but counts as attached. If the semaphores of the array
/// were lost, it can be opened and read, but throws removed where it would have to wait for an edit
/// in place. Throws what the constructors of object throw.
template <class T, std::size_t N>
class array<const T, N> : public const_array_access<T, N> {
 public:
  /// Opens what is there; never creates.
  explicit array(const key& which, const options& how = {})
      : const_array_access<T, N>(which, how) {}
  /// Opens what is there; never creates.
  array(open_only_t, const key& which, const options& how = {}) : array(which, how) {}
};

/// Like array<const T, N>, with whatever number of elements the array was created with.
template <class T>
class array<const T, dynamic> : public const_array_access<T, dynamic> {
 public:
  /// Opens what is there; never creates.
  explicit array(const key& which, const options& how = {})
      : const_array_access<T, dynamic>(which, how) {}
  /// Opens what is there; never creates.
  array(open_only_t, const key& which, const options& how = {}) : array(which, how) {}
};

}  // namespace shm
