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
#include "object_reader.hpp"
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
class object<const T> : public object_reader<object<const T>, T> {
 public:
  /// Opens what is there; never creates.
  explicit object(const key& which, const options& how = {})
      : place_(detail::observe(which, how, detail::object_blueprint<T>(nullptr))) {}
  /// Opens what is there; never creates.
  object(open_only_t, const key& which, const options& how = {}) : object(which, how) {}

  /// The number of updates published so far, by all processes.
  std::uint64_t version() const noexcept {
    return opened().head().version.load(std::memory_order_acquire);
  }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().name(); }

 private:
  friend class object_reader<object, T>;
  friend class watchable<object>;
  using cell = detail::cell_of<T>;

  const detail::observer& opened() const {
    Expects(place_ != nullptr);
    return *place_;
  }

  template <class Use>
  auto watched(Use use) const {
    const detail::header& head = opened().head();
    return use(
        opened(), [&head] { return head.version.load(std::memory_order_acquire); },
        [] { return detail::words_of_change(); });
  }

  /// copy(from, version) takes what it needs out of a copy of the value, again until that was
  /// whole.
  template <class Copy>
  void read(const Copy& copy) const {
    if (opened().is_removed()) detail::refuse_removed(opened().about());
    while (!cell().try_read_by(opened().head().version, opened().payload(), copy)) {
    }
  }

  detail::open_handle<detail::observer> place_;
};

}  // namespace shm
