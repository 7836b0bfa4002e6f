// Any: objects, arrays and maps changed without their type, which the segment itself tells.
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
#include <utility>
#include <vector>

#include "base/open_mode.hpp"
#include "base/options.hpp"
#include "const_any.hpp"
#include "os/key.hpp"
#include "store/array_core.hpp"
#include "sync/death_note.hpp"
#include "watchable.hpp"

namespace shm {

/// An object, array or map to be changed without its type, by the protocols of object, array and
/// map: a crash leaves the value (the element) before, or the new one. Takes a seat.
class any_object : public watchable<any_object> {
 public:
  /// Opens the object that is there. Never creates, removes or resets an object. If the semaphores
  /// were removed while others have the object open, throws errc::in_use; if nobody has, they are
  /// made anew. Blocks and throws like the constructors of object, without type_mismatch and
  /// kind_mismatch.
  explicit any_object(const key& which, const options& how = {})
      : place_(new detail::connection(which, detail::open_mode::open_as_it_is, how, nullptr),
               detail::closer<detail::connection>()),
        seen_(place_) {}
  any_object(any_object&&) = default;
  any_object& operator=(any_object&&) = delete;

  /// The same object, for reading. A copy of it keeps the handle open, and the seat with it.
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
  /// goes on. Blocks while another handle holds the lock. Throws the same errors as store().
  template <class F>
  bool update(F&& f, std::size_t i = 0) {
    return *update_within(detail::deadline::never(), std::forward<F>(f), i);
  }

  /// Like update(), but returns nothing if a live process holds the lock for that long.
  template <class Rep, class Period, class F>
  std::optional<bool> try_update_for(std::chrono::duration<Rep, Period> span, F&& f,
                                     std::size_t i = 0) {
    return update_within(detail::deadline::after(span), std::forward<F>(f), i);
  }

  /// Like try_update_for(), for the entry of a map that has this key: f gets all of the entry, of
  /// which only the value is stored. Returns false, without calling f, if the map does not hold the
  /// key. Throws std::invalid_argument when the key has another number of bytes, or this is no map.
  template <class Rep, class Period, class F>
  std::optional<bool> try_update_entry_for(std::chrono::duration<Rep, Period> span,
                                           gsl::span<const std::byte> key, F&& f) {
    seen_.check_key(key);
    const std::optional<detail::held_lock> lock = acquire(detail::deadline::after(span));
    if (!lock) return std::nullopt;
    table_memory entries(place_->payload(), held().table_shape());
    writer_type writer(entries, held().entry, place_->head());
    const auto where = writer.find(key.data());
    if (!where.is_found()) return false;
    std::vector<std::byte> entry(seen_.element_size());
    writer.copy_slot(where.slot, entry.data());
    std::vector<std::byte> draft = entry;
    if (!std::forward<F>(f)(gsl::span<std::byte>(draft))) return false;
    lock->require_held();
    const detail::run_time_slot_shape& shape = held().entry;
    std::memcpy(entry.data() + shape.value_at, draft.data() + shape.value_at, shape.value_size);
    writer.replace(where.slot, entry.data());
    return true;
  }

  /// Holds the lock of the object until the guard ends. Returns nothing if a live process holds it.
  /// Never blocks. Throws the same errors as store() except would_deadlock.
  [[nodiscard]] std::optional<detail::held_lock> try_lock() & {
    detail::acquisition how{};
    return in_order(detail::held_lock::try_acquire(*place_, how), how);
  }
  void try_lock() && = delete;  // keep the handle in a variable

  /// Like try_lock(), but returns nothing only if a live process holds the lock for that long.
  /// Throws the same errors as store().
  template <class Rep, class Period>
  [[nodiscard]] std::optional<detail::held_lock> try_lock_for(
      std::chrono::duration<Rep, Period> span) & {
    return acquire(detail::deadline::after(span));
  }
  template <class Span>
  void try_lock_for(Span) && = delete;  // keep the handle in a variable

  /// The same as read().version().
  std::uint64_t version() const noexcept { return seen_.version(); }

  /// Marks the data as repaired after a holder of a mutex or an array died, like their own
  /// mark_repaired(); an object or map never needs it. Blocks while another thread or process holds
  /// the lock; a crash leaves it marked or not. Throws the same errors as store().
  void mark_repaired() { static_cast<void>(mark_repaired_within(detail::deadline::never())); }

  /// Like mark_repaired(), but returns false if a live process holds the lock for that long.
  template <class Rep, class Period>
  [[nodiscard]] bool try_mark_repaired_for(std::chrono::duration<Rep, Period> span) {
    return mark_repaired_within(detail::deadline::after(span));
  }

 private:
  friend class watchable<any_object>;
  using cell = detail::versioned_cell<detail::run_time_cell_shape>;
  using memory_type = detail::run_time_array_memory<std::byte>;
  using view_type = detail::journalled_array_view<memory_type>;
  using table_memory = detail::run_time_table_memory<std::byte>;
  using writer_type = detail::table_writer<table_memory, detail::run_time_slot_shape>;

  template <class Use>
  auto watched(Use use) const {
    return seen_.watched(use);
  }

  bool mark_repaired_within(const detail::deadline& until) {
    const std::optional<detail::held_lock> lock = acquire(until);
    if (!lock) return false;
    if (held().kind == detail::segment_kind::mutex) detail::note_repair_of_mutex(place_->head());
    if (!is_array()) return true;
    memory_type elements = memory();
    if (view_type::is_odd(elements.bulk.load(std::memory_order_relaxed))) {
      detail::make_bulk_even(place_->head(), elements);
    }
    detail::note_repair_of_array(place_->head());
    return true;
  }

  const detail::run_time_type& held() const noexcept { return seen_.held_; }
  bool is_array() const noexcept { return held().kind == detail::segment_kind::array; }
  memory_type memory() const {
    return {place_->payload(), held().array_shape(), held().count, held().element_size};
  }

  /// Takes the lock, and then puts in order or notes what a dead holder left.
  std::optional<detail::held_lock> acquire(const detail::deadline& until) {
    detail::acquisition how{};
    return in_order(detail::held_lock::acquire(*place_, until, how), how);
  }

  /// `how` is read after the lock has been taken.
  std::optional<detail::held_lock> in_order(std::optional<detail::held_lock>&& lock,
                                            const detail::acquisition& how) {
    if (lock && is_array()) {
      memory_type elements = memory();
      detail::put_in_order(*place_, view_type(elements));
    }
    if (lock && held().kind == detail::segment_kind::map) {
      table_memory entries(place_->payload(), held().table_shape());
      if (!writer_type(entries, held().entry, place_->head()).repair()) {
        detail::refuse_corrupt_map(place_->about());
      }
    }
    const bool is_mutex = held().kind == detail::segment_kind::mutex;
    if (is_mutex && how == detail::acquisition::taken_over) {
      detail::note_death_in_mutex(place_->head());
    }
    return std::move(lock);
  }

  template <class F>
  std::optional<bool> update_within(const detail::deadline& until, F&& f, std::size_t i) {
    seen_.check_index(i);
    const std::optional<detail::held_lock> lock = acquire(until);
    if (!lock) return std::nullopt;
    std::vector<std::byte> draft(seen_.element_size());
    read_under_lock(i, draft.data());
    if (!std::forward<F>(f)(gsl::span<std::byte>(draft))) return false;
    lock->require_held();
    publish_under_lock(i, draft.data());
    return true;
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
      detail::store_element(place_->head(), view_type(elements), i, from);
    } else {
      cell(held().cell_shape()).publish(place_->head(), place_->payload(), from);
    }
  }

  std::shared_ptr<detail::connection> place_;
  const_any_object seen_;
};

}  // namespace shm
