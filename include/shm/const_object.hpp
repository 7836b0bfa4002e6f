// Const object: an object that this program only reads, attached read-only.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <cstdint>
#include <gsl/assert>
#include <memory>
#include <string_view>

#include "base/open_mode.hpp"
#include "base/options.hpp"
#include "os/key.hpp"
#include "session/observer.hpp"
#include "store/object_core.hpp"

namespace shm {

template <class T>
class object;

/// An object that this program only reads: attached read-only, never created, never modified; read
/// permission is enough. It takes no seat, but counts as attached. If the semaphores of the object
/// were lost, it can be opened and read all the same. Throws what the constructors of object throw.
template <class T>
class object<const T> {
 public:
  /// Opens what is there; never creates.
  explicit object(const key& which, const options& how = {})
      : place_(detail::observe(which, how, detail::object_blueprint<T>(nullptr))) {}
  /// Opens what is there; never creates.
  object(open_only_t, const key& which, const options& how = {}) : object(which, how) {}

  /// Like object<T>::load(). Never waits for a writer, alive or dead, but can be lapped for as long
  /// as a writer is faster than one copy.
  T load() const {
    return detail::value_from_bytes<T>([this](void* to) { read_whole(to); });
  }

  /// Like object<T>::load(T&), and never waits, like load().
  T& load(T& into) const {
    detail::check_assignable<T>();
    read_whole(std::addressof(into));
    return into;
  }

  /// Like object<T>::load(Member Class::*), and never waits, like load().
  template <class Member, class Class>
  auto load(Member Class::*member) const {
    return detail::member_from_bytes<T>(member, [this](auto copy) { this->read(copy); });
  }

  /// The number of updates published so far, by all processes.
  std::uint64_t version() const noexcept {
    return opened().head().version.load(std::memory_order_acquire);
  }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().name(); }

 private:
  using cell = detail::cell_of<T>;

  const detail::observer& opened() const {
    Expects(place_ != nullptr);
    return *place_;
  }

  void read_whole(void* to) const {
    read([to](const std::byte* from) { cell().copy_out(from, to); });
  }

  /// copy(from) takes what it needs out of a copy of the value, again until that was whole.
  template <class Copy>
  void read(const Copy& copy) const {
    if (opened().is_removed()) detail::refuse_removed(opened().about());
    while (!cell().try_read_by(opened().head().version, opened().payload(), copy)) {
    }
  }

  detail::open_handle<detail::observer> place_;
};

}  // namespace shm
