// Array core: what a read-write handle of an array holds, and the order it keeps after a death.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "../session/connection.hpp"
#include "../session/observer.hpp"
#include "../sync/announcement.hpp"
#include "../sync/held_lock.hpp"
#include "array_parts.hpp"
#include "array_plan.hpp"
#include "array_reader.hpp"
#include "journalled_array.hpp"
#include "value.hpp"

namespace shm::detail {

[[noreturn, gnu::cold]] inline void refuse_index(std::size_t i, std::size_t elements) {
  throw std::out_of_range("shm::array: index " + std::to_string(i) + " of " +
                          std::to_string(elements) + " elements");
}

inline void check_index(std::size_t i, std::size_t elements) {
  if (i >= elements) refuse_index(i, elements);
}

[[noreturn, gnu::cold]] inline void refuse_span(std::size_t room, std::size_t elements) {
  throw std::invalid_argument("shm::array: a span of " + std::to_string(room) +
                              " elements for a snapshot of " + std::to_string(elements));
}

inline void check_span(std::size_t room, std::size_t elements) {
  if (room != elements) refuse_span(room, elements);
}

/// By the holder of the lock. Wakes all that wait for a change.
template <class Memory>
void store_element(header& head, const journalled_array_view<Memory>& view, std::size_t i,
                   const void* from) noexcept {
  announcement news(head);
  view.store(i, from, [&news] { news.of_next(); });
}

/// At every acquisition of an array's lock: what a dead holder left is put in order or noted.
template <class Memory>
void put_in_order(const connection& place, const journalled_array_view<Memory>& view) {
  // Relaxed throughout: only holders change it, and the lock orders them.
  std::atomic<std::uint32_t>& section = place.head().section;
  if ((section.load(std::memory_order_relaxed) & section_bit::entered) != 0) {
    section.store(section_bit::owner_died, std::memory_order_relaxed);
    crash_point("array: death noted");
  }
  if (!view.needs_repair()) return;
  // The dead holder may not have told of its store; and that an element is put back counts, too.
  announcement news(place.head());
  if (view.repair([&news] { news.of_next(); }) ==
      journalled_array_view<Memory>::repair_result::corrupt) {
    refuse(errc::corrupt, place.about(),
           "the journal names an element that there is not: somebody scribbled over the segment; "
           "remove it with shm::remove(name, shm::force)");
  }
}

/// By the holder, after an edit in place, or the repair of one. Wakes all that wait for a change.
template <class Memory>
void make_bulk_even(header& head, Memory& memory) noexcept {
  announcement news(head);
  const std::uint64_t odd =
      memory.bulk.load(std::memory_order_relaxed) | 1;  // even after a scribbler
  // Release: who sees even sees the edit.
  memory.bulk.store(odd + 1, std::memory_order_release);
  crash_point("array: bulk even");
  news.of_next();
}

/// What a handle of an array holds. Place: connection, with std::byte as Byte; or observer, with
/// const std::byte.
template <class Place, class Byte, class T, std::size_t N>
struct open_array {
  using parts_type = array_parts<Byte, T, N>;
  using memory_type = typename parts_type::memory_type;
  using view_type = journalled_array_view<memory_type>;
  using reader_type = array_reader<std::add_const_t<memory_type>>;

  template <class... How>
  explicit open_array(const How&... how) : place(how...), parts(place.payload(), place.facts()) {}

  closing close() noexcept { return place.close(); }
  std::size_t address_bytes() const noexcept { return place.address_bytes(); }

  memory_type& memory() const noexcept { return parts.in(place.payload()); }
  view_type view() const noexcept { return view_type(memory()); }
  reader_type reader() const noexcept { return {place, memory()}; }

  /// Calls use(place, version, words_of_change): what a thread looks at that waits for a change.
  template <class Use>
  auto watched(Use use) const {
    return use(
        place, [this] { return view().stores(); }, [this] { return view().words_of_change(); });
  }

  Place place;
  parts_type parts;
};

template <class T, std::size_t N>
using const_array_core = open_array<observer, const std::byte, T, N>;

/// What a read-write handle of an array holds; where a guard finds it although the handle moves.
template <class T, std::size_t N>
struct array_core : open_array<connection, std::byte, T, N> {
  using base = open_array<connection, std::byte, T, N>;
  using base::memory;
  using base::place;
  using base::view;

  void store(std::size_t i, const void* from) const noexcept {
    store_element(place.head(), view(), i, from);
  }

  array_core(const key& which, open_mode mode, const options& how, const blueprint& plan)
      : base(which, mode, how, &plan) {}

  closing close() noexcept {
    const closing how = base::close();
    if (how == closing::done) buffer.release();
    return how;
  }

  T* elements() const noexcept {
    return std::launder(static_cast<T*>(static_cast<void*>(memory().elements)));
  }
  std::atomic<std::uint32_t>& section() const noexcept { return place.head().section; }
  bool is_damaged() const noexcept {
    // Relaxed: only the holder of the lock calls it, and the lock orders holders.
    return base::view_type::is_odd(memory().bulk.load(std::memory_order_relaxed));
  }

  /// The lock, after whatever a dead holder left has been put in order or noted.
  held_lock acquire() {
    held_lock lock = held_lock::acquire(place);
    put_in_order(place, view());
    return lock;
  }
  /// Returns nothing if the deadline passed.
  std::optional<held_lock> acquire(const deadline& until) {
    return in_order(held_lock::acquire(place, until));
  }
  std::optional<held_lock> try_acquire() { return in_order(held_lock::try_acquire(place)); }

  draft_buffer<T> buffer;  // which a thread that holds the lock may be writing

 private:
  std::optional<held_lock> in_order(std::optional<held_lock>&& lock) {
    if (lock) put_in_order(place, view());
    return std::move(lock);
  }
};

}  // namespace shm::detail
