// Map: at most N values in shared memory by their keys, each change whole whatever process dies.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <gsl/assert>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/by_value.hpp"
#include "base/open_mode.hpp"
#include "base/options.hpp"
#include "const_map.hpp"
#include "os/key.hpp"
#include "store/table_core.hpp"
#include "watchable.hpp"

namespace shm {

/// At most N entries, shared by every process that opens the same name:
///
///     shm::map<std::uint64_t, telemetry, 1000> cars("cars");
///     cars.insert_or_assign(4711, {12.5, 3});
///     if (const auto car = cars.find(4711)) drive(car->speed);
///     cars.update(4711, [](telemetry& t) { ++t.gear; });
///     cars.erase(4711);
///
/// Keys are hashed and compared by their bytes, so equal keys must have equal bytes: integers,
/// enumerations, structs and std::array of them without padding. Movable, not copyable; one handle
/// may be used from several threads at once. A moved-from handle may only be destroyed or assigned
/// to. map<Key, const Value, N> is read-only.
///
/// Constructors and destructor block, and constructors throw, like those of shm::object; another N
/// is a type_mismatch.
template <class Key, class Value, std::size_t N>
class map : public watchable<map<Key, Value, N>> {
 public:
  /// Opens the map, or creates an empty one.
  explicit map(const key& which, const options& how = {})
      : map(detail::open_mode::open_or_create, which, how) {}
  /// Creates an empty map.
  map(create_only_t, const key& which, const options& how = {})
      : map(detail::open_mode::create_only, which, how) {}
  /// Opens what is there.
  map(open_only_t, const key& which, const options& how = {})
      : map(detail::open_mode::open_only, which, how) {}
  /// Opens the map, or creates an empty one.
  map(open_or_create_t, const key& which, const options& how = {}) : map(which, how) {}

  /// Returns the latest stored value of that key, whole, or nothing if the map does not hold the
  /// key. Lock-free beside changes of writers, alive or dead; a writer that keeps lapping the
  /// reader is held up for one lookup. Throws shm::error: removed, corrupt.
  std::optional<Value> find(const Key& wanted) const {
    return detail::value_if_filled<Value>([&](void* to) { return look_up(wanted, to); });
  }
  /// Returns whether the map holds that key. Lock-free, and throws, like find().
  bool contains(const Key& wanted) const { return look_up(wanted, nullptr); }

  /// Adds an entry. Returns false, and changes nothing, if the map holds that key already. Blocks
  /// while another thread or process holds the lock. A crash leaves the map before, or with the
  /// entry. Throws shm::error: limit_reached if the map is full, removed, would_deadlock, corrupt.
  bool insert(const Key& added, const Value& value) {
    core& here = opened();
    const detail::held_lock lock = here.acquire();
    const auto where = here.writer().find(detail::bytes_of_key(added));
    if (where.is_found()) return false;
    insert_at(here, where, added, value);
    return true;
  }

  /// Adds an entry, or replaces the value of that key. Blocks and throws like insert(); a crash
  /// leaves the value before, or the new one.
  void insert_or_assign(const Key& changed, const Value& value) {
    core& here = opened();
    const detail::held_lock lock = here.acquire();
    const auto where = here.writer().find(detail::bytes_of_key(changed));
    if (!where.is_found()) return insert_at(here, where, changed, value);
    detail::draft<slot_type> draft(here.buffer);
    here.writer().copy_slot(where.slot, bytes_of(draft));
    std::memcpy(bytes_of(draft) + shape::value_at, std::addressof(value), sizeof value);
    here.writer().replace(where.slot, bytes_of(draft));
  }

  /// Calls f(Value&) on a private draft of the value of that key under the lock, and stores the
  /// draft when f returns. Returns false, without calling f, if the map does not hold the key. When
  /// f throws, nothing is stored and the exception goes on. Blocks and throws like insert(),
  /// without limit_reached; a crash leaves the value before, or the new one. Inside f, what changes
  /// this map or takes a snapshot of it through the same handle throws would_deadlock.
  template <class F>
  bool update(const Key& changed, F&& f) {
    return *update_within(detail::deadline::never(), changed, std::forward<F>(f));
  }

  /// Like update(), but returns nothing, without calling f, if a live process holds the lock for
  /// that long.
  template <class Rep, class Period, class F>
  std::optional<bool> try_update_for(std::chrono::duration<Rep, Period> span, const Key& changed,
                                     F&& f) {
    return update_within(detail::deadline::after(span), changed, std::forward<F>(f));
  }

  /// Removes the entry of that key. Returns whether there was one. Blocks and throws like insert(),
  /// without limit_reached. A crash leaves the map with the entry, or without it.
  bool erase(const Key& erased) {
    core& here = opened();
    const detail::held_lock lock = here.acquire();
    const auto where = here.writer().find(detail::bytes_of_key(erased));
    if (!where.is_found()) return false;
    detail::draft<slot_type> draft(here.buffer);
    here.writer().erase(where, bytes_of(draft));
    return true;
  }

  /// Returns the number of entries. Lock-free beside changes of writers, alive or dead. Throws
  /// shm::error: removed.
  std::size_t size() const { return detail::size_of(opened().place, opened().table(), N); }
  /// N.
  static constexpr std::size_t capacity() noexcept { return N; }

  /// Returns all entries as they were at one moment, in no order. Blocks while another thread or
  /// process holds the lock. Throws shm::error: removed, would_deadlock, corrupt.
  std::vector<std::pair<Key, Value>> snapshot() const {
    core& here = opened();
    std::vector<std::pair<Key, Value>> entries;
    entries.reserve(size());
    const detail::held_lock lock = here.acquire();
    for (int tries = 0; !detail::try_snapshot(here.table(), entries); ++tries) {
      // Nobody else may change the map now.
      if (tries == detail::tries_before_locking) detail::refuse_corrupt_map(here.place.about());
    }
    return entries;
  }

  /// Returns the number of changes so far, by all processes.
  std::uint64_t version() const noexcept {
    return detail::version_of(opened().place, opened().table());
  }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().place.name(); }

 private:
  friend class watchable<map>;
  using core = detail::table_core<Key, Value, N>;
  using shape = detail::slot_shape<Key, Value>;
  using slot_type = detail::slot<Key, Value>;

  map(detail::open_mode mode, const key& which, const options& how)
      : core_(new core(which, mode, how, detail::map_blueprint<Key, Value, N>())) {}

  core& opened() const {
    Expects(core_ != nullptr);
    return *core_;
  }

  template <class Use>
  auto watched(Use use) const {
    const core& here = opened();
    return use(
        here.place, [&here] { return detail::version_of(here.place, here.table()); },
        [&here] { return here.table().words_of_change(); });
  }

  static std::byte* bytes_of(detail::draft<slot_type>& draft) noexcept {
    return static_cast<std::byte*>(static_cast<void*>(draft.bytes()));
  }

  static void insert_at(core& here, const typename core::writer_type::place& where,
                        const Key& added, const Value& value) {
    if (here.writer().size() >= N) detail::refuse_full(here.place.about(), N);
    detail::draft<slot_type> draft(here.buffer);
    const bool had_room = here.writer().insert(where, bytes_of(draft), [&](std::byte* slot) {
      std::memcpy(slot + shape::key_at, std::addressof(added), sizeof added);
      std::memcpy(slot + shape::value_at, std::addressof(value), sizeof value);
    });
    if (!had_room) detail::refuse_corrupt_map(here.place.about());
  }

  template <class F>
  std::optional<bool> update_within(const detail::deadline& until, const Key& changed, F&& f) {
    detail::check_takes_reference<F, Value>();
    core& here = opened();  // f may move the handle
    const std::optional<detail::held_lock> lock = here.acquire(until);
    if (!lock) return std::nullopt;
    const auto where = here.writer().find(detail::bytes_of_key(changed));
    if (!where.is_found()) return false;
    detail::draft<slot_type> draft(here.buffer);
    here.writer().copy_slot(where.slot, bytes_of(draft));
    static_cast<void>(detail::call_then(std::forward<F>(f), draft.get()->value, [&] {
      if (lock->is_held()) here.writer().replace(where.slot, bytes_of(draft));
    }));
    return true;
  }

  bool look_up(const Key& wanted, void* to) const {
    core& here = opened();
    if (here.place.is_removed()) detail::refuse_removed(here.place.about());
    const auto seen =
        here.table().find(detail::bytes_of_key(wanted), to, detail::tries_before_locking);
    if (seen != detail::lookup::lapped) return seen == detail::lookup::found;
    return look_up_patiently(here, wanted, to);
  }

  [[gnu::cold, gnu::noinline]] static bool look_up_patiently(core& here, const Key& wanted,
                                                             void* to) {
    for (;;) {
      // A writer is always faster: hold it up for one lookup.
      const bool may_lock = here.place.identity_bits_if_seated() != 0;
      const auto lock = may_lock ? here.try_acquire() : std::nullopt;
      const auto seen =
          here.table().find(detail::bytes_of_key(wanted), to, detail::tries_before_locking);
      if (seen != detail::lookup::lapped) return seen == detail::lookup::found;
      if (lock) detail::refuse_corrupt_map(here.place.about());  // nobody else may change it now
      if (here.place.is_removed()) detail::refuse_removed(here.place.about());
    }
  }

  detail::open_handle<core> core_;
};

}  // namespace shm
