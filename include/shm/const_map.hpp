// Const map: a map that this program only reads, attached read-only.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <cstddef>
#include <cstdint>
#include <gsl/assert>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/deadline.hpp"
#include "base/open_mode.hpp"
#include "base/options.hpp"
#include "os/key.hpp"
#include "session/observer.hpp"
#include "store/table_core.hpp"
#include "watchable.hpp"

namespace shm {

template <class Key, class Value, std::size_t N>
class map;

/// A map that this program only reads: attached read-only, never created, never modified; read
/// permission is enough. It takes no seat, but counts as attached. If the semaphores of the map
/// were lost, it can be opened and read all the same. Throws what the constructors of object throw.
template <class Key, class Value, std::size_t N>
class map<Key, const Value, N> : public watchable<map<Key, const Value, N>> {
 public:
  /// Opens what is there; never creates.
  explicit map(const key& which, const options& how = {})
      : place_(detail::observe(which, how, detail::map_blueprint<Key, Value, N>())) {}
  /// Opens what is there; never creates.
  map(open_only_t, const key& which, const options& how = {}) : map(which, how) {}

  /// Like map<Key, Value, N>::find(). Never waits for a writer, alive or dead, but can be lapped
  /// for as long as a writer is faster than one slot is copied.
  std::optional<Value> find(const Key& wanted) const {
    return detail::value_if_filled<Value>([&](void* to) { return look_up(wanted, to); });
  }
  /// Returns whether the map holds that key, like find().
  bool contains(const Key& wanted) const { return look_up(wanted, nullptr); }

  /// Like map<Key, Value, N>::size().
  std::size_t size() const { return detail::size_of(opened(), table(), N); }
  /// N.
  static constexpr std::size_t capacity() noexcept { return N; }

  /// Returns all entries as they were at one moment, in no order. Throws shm::error: removed, and
  /// timed_out if the map never stands still for long enough within options::open_timeout.
  std::vector<std::pair<Key, Value>> snapshot() const {
    const auto until = detail::deadline::after(opened().open_timeout());
    std::vector<std::pair<Key, Value>> entries;
    entries.reserve(size());
    while (!detail::try_snapshot(table(), entries)) {
      if (opened().is_removed()) detail::refuse_removed(opened().about());
      if (until.passed()) detail::refuse_restless_map(opened().about());
    }
    return entries;
  }

  /// Returns the number of changes so far, by all processes.
  std::uint64_t version() const noexcept { return detail::version_of(opened(), table()); }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().name(); }

 private:
  friend class watchable<map>;
  using memory_type = const detail::table_memory<Key, Value, N>;

  using table_type = detail::table_view<memory_type, detail::slot_shape<Key, Value>>;

  table_type table() const noexcept { return table_in(opened()); }
  static table_type table_in(const detail::observer& place) noexcept {
    return {*static_cast<memory_type*>(static_cast<const void*>(place.payload())), {}};
  }

  template <class Use>
  auto watched(Use use) const {
    const detail::observer& place = opened();
    return use(
        place, [&place] { return detail::version_of(place, table_in(place)); },
        [&place] { return table_in(place).words_of_change(); });
  }

  bool look_up(const Key& wanted, void* to) const {
    for (;;) {
      if (opened().is_removed()) detail::refuse_removed(opened().about());
      const auto seen =
          table().find(detail::bytes_of_key(wanted), to, detail::tries_before_locking);
      if (seen != detail::lookup::lapped) return seen == detail::lookup::found;
    }
  }

  const detail::observer& opened() const {
    Expects(place_ != nullptr);
    return *place_;
  }

  detail::open_handle<detail::observer> place_;
};

}  // namespace shm
