// Any: objects and arrays opened without their type, which the segment itself tells.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <chrono>
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

#include "base/open_mode.hpp"
#include "base/options.hpp"
#include "inspect.hpp"
#include "os/key.hpp"
#include "schema/field_path.hpp"
#include "session/spectator.hpp"
#include "store/array_core.hpp"

namespace shm {

/// What is stored under a key, to be read: bytes, and the fields that they consist of. Attached
/// read-only; alters no byte, no semaphore and no time in them; read permission is enough.
class const_any_object {
 public:
  /// Blocks while somebody alive creates or removes the object, at most options::open_timeout.
  /// Throws as the constructors of object<const T>, but type_mismatch and kind_mismatch.
  explicit const_any_object(const key& which, const options& how = {})
      : place_(std::make_unique<detail::spectator>(which, how)),
        held_(detail::run_time_type::in(place_->head(), place_->facts(), place_->about())) {}

  object_kind kind() const noexcept {
    switch (held_.kind) {
      case detail::segment_kind::object: return object_kind::object;
      case detail::segment_kind::array: return object_kind::array;
      case detail::segment_kind::mutex: break;
    }
    return object_kind::mutex;
  }
  /// Valid as long as the handle.
  std::string_view name() const noexcept { return place_->name(); }
  /// Of everything: of an array, its number of elements included.
  const schema& type() const noexcept { return held_.type; }
  /// The value's fields, or those of each element; of a mutex there are none.
  const field& value() const noexcept { return held_.value; }
  /// Elements of an array, 1 of an object, 0 of a mutex.
  std::size_t size() const noexcept { return held_.count; }
  /// Bytes of the value, or of each element.
  std::size_t element_size() const noexcept { return held_.element_size; }

  /// How many values were published; of an array, elements stored; of a mutex 0.
  std::uint64_t version() const noexcept {
    switch (held_.kind) {
      case detail::segment_kind::object:
        // Acquire: what the caller reads next is not older than the version it was told.
        return place_->head().version.load(std::memory_order_acquire);
      case detail::segment_kind::array: return memory().stores();
      case detail::segment_kind::mutex: break;
    }
    return 0;
  }

  /// A whole value, or a whole element. Lock-free beside updates; while somebody edits an array in
  /// place, it looks again every millisecond, at most for options::open_timeout. Throws
  /// std::out_of_range; shm::error: removed, damaged, timed_out.
  std::vector<std::byte> load(std::size_t i = 0) const {
    check_index(i);
    std::vector<std::byte> bytes(element_size());
    if (held_.kind == detail::segment_kind::object) {
      const detail::versioned_cell<detail::run_time_cell_shape> cell(held_.cell_shape());
      do {
        if (place_->is_removed()) detail::refuse_removed(place_->about());
      } while (!cell.try_read(place_->head().version, place_->payload(), bytes.data()));
    } else {
      const memory_type elements = memory();
      const reader_type reader(*place_, elements);
      while (!reader.try_load(i, bytes.data())) reader.wait_while_edited_in_place();
    }
    return bytes;
  }

  /// All elements as they were at one moment. Throws as load(), and timed_out when the array never
  /// stands still for long enough within options::open_timeout.
  std::vector<std::byte> snapshot() const {
    if (held_.kind != detail::segment_kind::array) return load();
    std::vector<std::byte> bytes(held_.type.size());
    const memory_type elements = memory();
    const reader_type reader(*place_, elements);
    const auto until = detail::deadline::after(place_->open_timeout());
    while (!reader.try_snapshot(bytes.data())) {
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
  using reader_type = detail::array_reader<detail::spectator, const memory_type>;

  memory_type memory() const {
    return {place_->payload(), held_.array_shape(), held_.count, held_.element_size};
  }

  void check_index(std::size_t i) const {
    if (i < size()) return;
    throw std::out_of_range("shm::any_object: index " + std::to_string(i) + " of " +
                            std::to_string(size()) + " elements");
  }

  std::unique_ptr<detail::spectator> place_;
  detail::run_time_type held_;
};

/// The same, to be changed: by the protocols that object and array keep, so a crash leaves the
/// value (the element) before or the new one. Takes a seat.
class any_object {
 public:
  /// Only opens what is there, and as it is: an object whose semaphores were removed while others
  /// have it open is errc::in_use. Blocks and throws as const_any_object, and as object's
  /// constructors.
  explicit any_object(const key& which, const options& how = {})
      : place_(open(which, how)), seen_(which, how) {
    // Removed and made again in between: one of the two is that of before.
    if (place_->about().segment_id != seen_.place_->about().segment_id) {
      detail::refuse_removed(place_->about());
    }
  }
  any_object(any_object&&) = default;
  any_object& operator=(any_object&&) = delete;

  /// To be read in the same ways.
  const const_any_object& read() const noexcept { return seen_; }

  /// Replaces the value, or element i. Throws std::out_of_range; std::invalid_argument when the
  /// number of bytes is another; shm::error: removed, would_deadlock, corrupt.
  void store(gsl::span<const std::byte> bytes, std::size_t i = 0) {
    if (bytes.size() != seen_.element_size()) {
      throw std::invalid_argument("shm::any_object: " + std::to_string(bytes.size()) +
                                  " bytes for a value of " + std::to_string(seen_.element_size()));
    }
    update(
        [&](gsl::span<std::byte> draft) {
          std::memcpy(draft.data(), bytes.data(), bytes.size());
          return true;
        },
        i);
  }

  /// Calls f(gsl::span<std::byte>) on a private draft under the lock, and publishes it when f
  /// returns true; tells what f returned. When f throws, nothing is published and the exception
  /// goes on. Blocks while another holds the lock; throws as store().
  template <class F>
  bool update(F&& f, std::size_t i = 0) {
    seen_.check_index(i);
    const detail::held_lock lock = *acquire(detail::deadline::never());
    std::vector<std::byte> draft(seen_.element_size());
    read_under_lock(i, draft.data());
    if (!std::forward<F>(f)(gsl::span<std::byte>(draft))) return false;
    lock.require_held();
    publish_under_lock(i, draft.data());
    return true;
  }

  /// Holds the object's lock until the guard ends. Nothing when somebody alive holds it for that
  /// long. Throws as store().
  template <class Rep, class Period>
  [[nodiscard]] std::optional<detail::held_lock> try_lock_for(
      std::chrono::duration<Rep, Period> span) {
    return acquire(detail::deadline::after(span));
  }

 private:
  using cell = detail::versioned_cell<detail::run_time_cell_shape>;
  using memory_type = detail::run_time_array_memory<std::byte>;
  using view_type = detail::journalled_array_view<memory_type>;

  /// Its type is looked up by one that has left again: an object whose semaphores are gone is kept
  /// only when nobody else is attached.
  static std::unique_ptr<detail::connection> open(const key& which, const options& how) {
    const detail::run_time_type found = const_any_object(which, how).held_;
    return std::make_unique<detail::connection>(which, detail::open_mode::open_as_it_is, how,
                                                found.plan());
  }

  const detail::run_time_type& held() const noexcept { return seen_.held_; }
  bool is_array() const noexcept { return held().kind == detail::segment_kind::array; }
  memory_type memory() const {
    return {place_->payload(), held().array_shape(), held().count, held().element_size};
  }

  std::optional<detail::held_lock> acquire(const detail::deadline& until) {
    std::optional<detail::held_lock> lock = detail::held_lock::acquire(*place_, until);
    if (lock && is_array()) {
      memory_type elements = memory();
      detail::put_in_order(*place_, view_type(elements));
    }
    return lock;
  }

  void read_under_lock(std::size_t i, void* to) const {
    if (is_array()) {
      memory_type elements = memory();
      detail::load_shared<1>(to, view_type(elements).element(i), held().element_size);
    } else {
      cell(held().cell_shape()).read(place_->head().version, place_->payload(), to);
    }
  }

  void publish_under_lock(std::size_t i, const void* from) {
    if (is_array()) {
      memory_type elements = memory();
      view_type(elements).store(i, from);
    } else {
      cell(held().cell_shape()).publish(place_->head().version, place_->payload(), from);
    }
  }

  std::unique_ptr<detail::connection> place_;
  const_any_object seen_;  // leaves first: the other one counts who is left when it leaves
};

}  // namespace shm
