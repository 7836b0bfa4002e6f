// Table core: what a handle of a map holds, and the order that it keeps after a death.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../schema/describe.hpp"
#include "../sync/held_lock.hpp"
#include "drafting_core.hpp"
#include "table_writer.hpp"
#include "value.hpp"

namespace shm::detail {

template <class Key, class Value, std::size_t N>
constexpr void check_map() {
  static_assert(N > 0, "shm: a map has room for at least one entry");
  static_assert(N <= std::size_t{1} << 31, "shm: a map has room for at most 2^31 entries");
  static_assert(identifying_bytes<Key> != 0,
                "shm: a Key is compared by its bytes, so equal keys must have equal bytes: no "
                "floating point, and no padding; see std::has_unique_object_representations");
  static_assert(!std::is_array_v<Key> && !std::is_array_v<Value>,
                "shm: a C array cannot be returned; use std::array");
  check_shareable<Key>();
  check_shareable<Value>();
  static_assert(fits_in_memory<slot<Key, Value>>(slots_for(N)),
                "shm: a map of N entries is larger than an address space");
}

/// The schema tells the number of entries, and not that of the slots.
template <class Key, class Value, std::size_t N>
blueprint map_blueprint() {
  check_map<Key, Value, N>();
  using memory = table_memory<Key, Value, N>;
  using shape = slot_shape<Key, Value>;
  static_assert(sizeof(slot<Key, Value>) ==
                round_up(shape::value_at + sizeof(Value), alignof(slot<Key, Value>)));
  return {segment_kind::map, &array_schema_of<slot<Key, Value>, N>(), sizeof(memory),
          alignof(memory),   [](std::byte*, const void*) {},          nullptr};
}

template <class Key>
const std::byte* bytes_of_key(const Key& key) noexcept {
  return reinterpret_cast<const std::byte*>(std::addressof(key));
}

[[noreturn, gnu::cold]] inline void refuse_full(const subject& about, std::size_t entries) {
  refuse(errc::limit_reached, about,
         "the map is full: it was made for " + std::to_string(entries) +
             (entries == 1 ? " entry; erase it" : " entries; erase one") +
             ", or make a map with a larger N under another name");
}

[[noreturn, gnu::cold]] inline void refuse_corrupt_map(const subject& about) {
  refuse(
      errc::corrupt, about,
      "the map's bookkeeping makes no sense: somebody scribbled over the segment; remove it with "
      "shm::remove(name, shm::force)");
}

[[noreturn, gnu::cold]] inline void refuse_restless_map(const subject& about) {
  refuse(errc::timed_out, about,
         "the map never stood still for one snapshot within options::open_timeout; take it from a "
         "read-write handle, which locks");
}

/// The size as it was at one moment. Throws removed.
template <class Table>
std::size_t size_of(const open_place& place, const Table& table, std::size_t most) {
  std::uint64_t size = 0;
  do {
    if (place.is_removed()) refuse_removed(place.about());
  } while (!table.try_size(size));
  return static_cast<std::size_t>(std::min<std::uint64_t>(size, most));
}

/// The number of changes at one moment.
template <class Table>
std::uint64_t version_of(const open_place& place, const Table& table) noexcept {
  std::uint64_t version = 0;
  while (!table.try_version(place.head().version, version)) {
  }
  return version;
}

/// False: it did not stand still.
template <class Key, class Value, class Table>
bool try_snapshot(const Table& table, std::vector<std::pair<Key, Value>>& into) {
  using shape = slot_shape<Key, Value>;
  into.clear();
  return table.try_take_all([&into](const std::byte* slot) {
    into.emplace_back(value_from_bytes<Key>([slot](void* to) {
                        load_shared<alignof(Key)>(to, slot + shape::key_at, sizeof(Key));
                      }),
                      value_from_bytes<Value>([slot](void* to) {
                        load_shared<alignof(Value)>(to, slot + shape::value_at, sizeof(Value));
                      }));
  });
}

/// What a read-write handle of a map holds.
template <class Key, class Value, std::size_t N>
struct table_core : drafting_core<slot<Key, Value>> {
  using memory_type = table_memory<Key, Value, N>;
  using shape_type = slot_shape<Key, Value>;
  using slot_type = slot<Key, Value>;
  using writer_type = table_writer<memory_type, shape_type>;

  using drafting_core<slot_type>::drafting_core;
  using drafting_core<slot_type>::place;

  memory_type& memory() const noexcept {
    return *static_cast<memory_type*>(static_cast<void*>(place.payload()));
  }
  table_view<const memory_type, shape_type> table() const noexcept { return {memory(), {}}; }
  writer_type writer() const noexcept { return {memory(), {}, place.head()}; }

  /// The lock, after whatever a dead holder left has been put in order.
  held_lock acquire() {
    held_lock lock = held_lock::acquire(place);
    put_in_order();
    return lock;
  }
  /// Returns nothing if the deadline passed.
  std::optional<held_lock> acquire(const deadline& until) {
    std::optional<held_lock> lock = held_lock::acquire(place, until);
    if (lock) put_in_order();
    return lock;
  }
  std::optional<held_lock> try_acquire() {
    std::optional<held_lock> lock = held_lock::try_acquire(place);
    if (lock) put_in_order();
    return lock;
  }

 private:
  void put_in_order() {
    if (!writer().repair()) refuse_corrupt_map(place.about());
  }
};

}  // namespace shm::detail
