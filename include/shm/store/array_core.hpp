// Array core: what a read-write handle of an array holds, and the order it keeps after a death.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstring>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>

#include "../schema/describe.hpp"
#include "../session/connection.hpp"
#include "../sync/held_lock.hpp"
#include "array_reader.hpp"
#include "journalled_array.hpp"
#include "value.hpp"

namespace shm::detail {

template <class T, std::size_t N>
std::byte* elements_in(std::byte* payload) noexcept {
  return static_cast<array_memory<T, N>*>(static_cast<void*>(payload))->elements;
}

template <class T, std::size_t N>
blueprint array_blueprint(void (*construct)(std::byte*, const void*), const T* initial) {
  check_shareable<T>();
  using memory = array_memory<T, N>;
  return {segment_kind::array, &array_schema_of<T, N>(),
          sizeof(memory),      alignof(memory),
          construct,           initial};
}

/// Copies of `initial`; null where the array is only opened.
template <class T, std::size_t N>
blueprint array_blueprint(const T* initial) {
  return array_blueprint<T, N>(
      [](std::byte* payload, const void* from) {
        std::byte* const elements = elements_in<T, N>(payload);
        for (std::size_t i = 0; i < N; ++i) std::memcpy(elements + i * sizeof(T), from, sizeof(T));
      },
      initial);
}

/// A value-initialised T in every element.
template <class T, std::size_t N>
blueprint default_array_blueprint() {
  return array_blueprint<T, N>(
      [](std::byte* payload, const void*) {
        std::byte* const elements = elements_in<T, N>(payload);
        for (std::size_t i = 0; i < N; ++i) construct_initial<T>(elements + i * sizeof(T));
      },
      nullptr);
}

[[noreturn, gnu::cold]] inline void refuse_index(std::size_t i, std::size_t elements) {
  throw std::out_of_range("shm::array: index " + std::to_string(i) + " of " +
                          std::to_string(elements) + " elements");
}

template <std::size_t N>
void check_index(std::size_t i) {
  if (i >= N) refuse_index(i, N);
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
  if (view.repair() == journalled_array_view<Memory>::repair_result::corrupt) {
    refuse(errc::corrupt, place.about(),
           "the journal names an element that there is not: somebody scribbled over the segment; "
           "remove it with shm::remove(name, shm::force)");
  }
}

/// By the holder, after an edit in place, or the repair of one.
template <class Memory>
void make_bulk_even(Memory& memory) noexcept {
  const std::uint64_t odd =
      memory.bulk.load(std::memory_order_relaxed) | 1;  // even after a scribbler
  // Release: who sees even sees the edit.
  memory.bulk.store(odd + 1, std::memory_order_release);
}

/// What a read-write handle of an array holds; where a guard finds it although the handle moves.
template <class T, std::size_t N>
struct array_core {
  using memory_type = array_memory<T, N>;
  using view_type = journalled_array_view<memory_type>;
  using reader_type = array_reader<const memory_type>;

  array_core(const key& which, open_mode mode, const options& how, const blueprint& plan)
      : place(which, mode, how, &plan) {}

  closing close() noexcept {
    const closing how = place.close();
    if (how == closing::done) buffer.release();
    return how;
  }
  std::size_t address_bytes() const noexcept { return place.address_bytes(); }

  memory_type& memory() const noexcept {
    return *static_cast<memory_type*>(static_cast<void*>(place.payload()));
  }
  T* elements() const noexcept {
    return std::launder(static_cast<T*>(static_cast<void*>(memory().elements)));
  }
  view_type view() const noexcept { return view_type(memory()); }
  reader_type reader() const noexcept { return {place, memory()}; }
  std::atomic<std::uint32_t>& section() const noexcept { return place.head().section; }
  bool is_damaged() const noexcept {
    // Relaxed: for the holder, whom the lock orders.
    return view_type::is_odd(memory().bulk.load(std::memory_order_relaxed));
  }

  /// The lock, after whatever a dead holder left has been put in order or noted.
  held_lock acquire() {
    held_lock lock = held_lock::acquire(place);
    put_in_order(place, view());
    return lock;
  }
  std::optional<held_lock> try_acquire() {
    std::optional<held_lock> lock = held_lock::try_acquire(place);
    if (lock) put_in_order(place, view());
    return lock;
  }

  connection place;
  draft_buffer<T> buffer;  // which a thread that holds the lock may be writing
};

}  // namespace shm::detail
