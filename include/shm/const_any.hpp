// Const any: objects, arrays and maps read without their type, which the segment itself tells.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <gsl/span>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/options.hpp"
#include "inspect.hpp"
#include "os/key.hpp"
#include "schema/field_path.hpp"
#include "session/observer.hpp"
#include "store/array_core.hpp"
#include "store/table_core.hpp"
#include "watchable.hpp"

namespace shm {

/// What is stored under a key, for reading: bytes, and the fields that they consist of. Attached
/// read-only; modifies no byte, no semaphore and no time in them; read permission is enough. Counts
/// as attached. Only waiting asks publishers to wake this process, where its user may write.
class const_any_object : public watchable<const_any_object> {
 public:
  /// Blocks while a live process creates or removes the object, at most options::open_timeout.
  /// Throws what the constructors of object<const T> throw, without type_mismatch and
  /// kind_mismatch.
  explicit const_any_object(const key& which, const options& how = {})
      : const_any_object(std::shared_ptr<const detail::open_place>(
            new detail::observer(which, how, nullptr, detail::waiting::by_looking_again),
            detail::closer<detail::observer>())) {}

  object_kind kind() const noexcept {
    switch (held_.kind) {
      case detail::segment_kind::object: return object_kind::object;
      case detail::segment_kind::array: return object_kind::array;
      case detail::segment_kind::map: return object_kind::map;
      case detail::segment_kind::semaphore: return object_kind::semaphore;
      case detail::segment_kind::mutex: break;
    }
    return object_kind::mutex;
  }
  /// Valid as long as the handle.
  std::string_view name() const noexcept { return place_->name(); }
  /// The schema of the whole object; of an array, its number of elements included.
  const schema& type() const noexcept { return held_.type; }
  /// The value's fields, or those of each element; of a map's entry, key and value; of a mutex or
  /// semaphore there are none.
  const field& value() const noexcept { return held_.value; }
  /// Elements of an array, 1 of an object, 0 of a mutex or semaphore; how many entries a map has
  /// room for.
  std::size_t size() const noexcept { return held_.count; }
  /// Bytes of the value, or of each element or entry.
  std::size_t element_size() const noexcept { return held_.element_size; }

  /// How many values were published; of an array, elements stored; of a map, changes; of a mutex,
  /// notifications; of a semaphore 0.
  std::uint64_t version() const noexcept {
    switch (held_.kind) {
      case detail::segment_kind::array: {
        const memory_type elements = memory();
        return reader_view(elements).stores();
      }
      case detail::segment_kind::map: {
        const table_memory entries(place_->payload(), held_.table_shape());
        return detail::version_of(*place_, table_type(entries, held_.entry));
      }
      case detail::segment_kind::object:
      case detail::segment_kind::semaphore:
      case detail::segment_kind::mutex: break;
    }
    // Acquire: what the caller reads next is not older than the version it was told.
    return place_->head().version.load(std::memory_order_acquire);
  }

  /// Returns a whole value, or a whole element. Lock-free beside updates. While a live process
  /// edits an array in place, looks again every millisecond, at most for options::open_timeout.
  /// Throws std::out_of_range, of a map always; shm::error: removed, damaged, timed_out.
  std::vector<std::byte> load(std::size_t i = 0) const {
    check_index(i);
    std::vector<std::byte> bytes(element_size());
    if (held_.kind == detail::segment_kind::object) {
      const detail::versioned_cell<detail::run_time_cell_shape> cell(held_.cell_shape());
      do {
        if (place_->is_removed()) detail::refuse_removed(place_->about());
      } while (!cell.try_read(place_->head().version, place_->payload(), bytes.data()));
    } else {
      const auto until = detail::deadline::after(place_->open_timeout());
      const memory_type elements = memory();
      const reader_type reader(*place_, elements);
      while (!reader.try_load(i, bytes.data())) reader.wait_while_edited_in_place(until);
    }
    return bytes;
  }

  /// Returns the bytes of an element as they are, also while somebody edits them in place, and when
  /// load() throws damaged: they show what a dead editor left. Never waits. Throws
  /// std::out_of_range.
  std::vector<std::byte> load_damaged(std::size_t i) const {
    check_index(i);
    if (held_.kind != detail::segment_kind::array) return load(i);
    std::vector<std::byte> bytes(element_size());
    const memory_type elements = memory();
    detail::load_shared<1>(bytes.data(), reader_view(elements).element(i), bytes.size());
    return bytes;
  }

  /// Returns the entry of a map that has this key, whole, or nothing. Lock-free beside changes. The
  /// key is given as it lies in an entry. Throws std::invalid_argument when its number of bytes is
  /// another, or this is no map; shm::error: removed.
  std::optional<std::vector<std::byte>> find(gsl::span<const std::byte> key) const {
    check_key(key);
    const detail::run_time_slot_shape& shape = held_.entry;
    std::vector<std::byte> entry(element_size());
    std::memcpy(entry.data() + shape.key_at, key.data(), key.size());
    const table_memory entries(place_->payload(), held_.table_shape());
    const table_type table(entries, shape);
    for (;;) {
      if (place_->is_removed()) detail::refuse_removed(place_->about());
      const auto seen =
          table.find(key.data(), entry.data() + shape.value_at, detail::tries_before_locking);
      if (seen == detail::lookup::absent) return std::nullopt;
      if (seen == detail::lookup::found) return entry;
    }
  }

  /// Returns all elements, or all entries that a map holds, as they were at one moment. Throws the
  /// same errors as load(), and timed_out if the array or map never stands still for long enough
  /// within options::open_timeout.
  std::vector<std::byte> snapshot() const {
    if (held_.kind == detail::segment_kind::map) return snapshot_of_map();
    if (held_.kind != detail::segment_kind::array) return load();
    std::vector<std::byte> bytes(held_.type.size());
    const memory_type elements = memory();
    const reader_type reader(*place_, elements);
    const auto until = detail::deadline::after(place_->open_timeout());
    while (!reader.try_snapshot(bytes.data(), until)) {
      if (!until.passed()) continue;
      detail::refuse(errc::timed_out, place_->about(),
                     "the array never stood still for one snapshot within options::open_timeout; "
                     "load its elements one by one");
    }
    return bytes;
  }

 private:
  friend class any_object;
  using memory_type = detail::run_time_array_memory<const std::byte>;
  using reader_type = detail::array_reader<const memory_type>;
  using table_memory = detail::run_time_table_memory<const std::byte>;
  using table_type = detail::table_view<const table_memory, detail::run_time_slot_shape>;
  using reader_view = detail::journalled_array_view<const memory_type>;

  friend class watchable<const_any_object>;
  template <class Use>
  auto watched(Use use) const {
    return use(
        *place_, [seen = *this] { return seen.version(); },
        [seen = *this] { return seen.words_of_change(); });
  }

  detail::words_of_change words_of_change() const noexcept {
    switch (held_.kind) {
      case detail::segment_kind::array: {
        const memory_type elements = memory();
        return reader_view(elements).words_of_change();
      }
      case detail::segment_kind::map: {
        const table_memory entries(place_->payload(), held_.table_shape());
        return table_type(entries, held_.entry).words_of_change();
      }
      case detail::segment_kind::object:
      case detail::segment_kind::semaphore:
      case detail::segment_kind::mutex: break;
    }
    return {};
  }

  /// Everything that this class tells comes from the facts that the place was opened by. The header
  /// is not read a second time, because others may have changed it meanwhile.
  explicit const_any_object(std::shared_ptr<const detail::open_place> place)
      : place_(std::move(place)),
        held_(detail::run_time_type::in(place_->head(), place_->facts(), place_->about())) {}

  std::vector<std::byte> snapshot_of_map() const {
    const table_memory entries(place_->payload(), held_.table_shape());
    const table_type table(entries, held_.entry);
    const auto until = detail::deadline::after(place_->open_timeout());
    std::vector<std::byte> bytes;
    const auto take = [&](const std::byte* slot) {
      bytes.resize(bytes.size() + element_size());
      detail::load_shared<1>(bytes.data() + bytes.size() - element_size(), slot, element_size());
    };
    for (;;) {
      if (place_->is_removed()) detail::refuse_removed(place_->about());
      if (table.try_take_all(take)) return bytes;
      bytes.clear();
      if (until.passed()) detail::refuse_restless_map(place_->about());
    }
  }

  memory_type memory() const {
    return {place_->payload(), held_.array_shape(), held_.count, held_.element_size};
  }

  void check_key(gsl::span<const std::byte> key) const {
    if (held_.kind != detail::segment_kind::map) {
      throw std::invalid_argument("shm::any_object: only a map has keys");
    }
    const field& of_key = held_.value.members[0];
    if (key.size() == of_key.size * of_key.count()) return;
    throw std::invalid_argument("shm::any_object: " + std::to_string(key.size()) +
                                " bytes for a key of " +
                                std::to_string(of_key.size * of_key.count()));
  }

  void check_index(std::size_t i) const {
    if (held_.kind == detail::segment_kind::map) {
      throw std::out_of_range("shm::any_object: a map has no index; look for a key");
    }
    if (i < size()) return;
    throw std::out_of_range("shm::any_object: index " + std::to_string(i) + " of " +
                            std::to_string(size()) + " elements");
  }

  std::shared_ptr<const detail::open_place> place_;
  detail::run_time_type held_;
};

}  // namespace shm
