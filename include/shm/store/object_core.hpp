// Object core: what a read-write handle of an object holds.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstring>
#include <new>

#include "../schema/describe.hpp"
#include "../session/connection.hpp"
#include "value.hpp"
#include "versioned_cell.hpp"

namespace shm::detail {

template <class T>
using cell_of = versioned_cell<cell_shape<sizeof(T), alignof(T)>>;

template <class T>
blueprint object_blueprint(void (*construct)(std::byte*, const void*), const T* initial) {
  check_shareable<T>();
  return {segment_kind::object,  &schema_of<T>(), cell_of<T>::payload_size,
          cell_of<T>::alignment, construct,       initial};
}

/// A copy of `initial`; null where the object is only opened.
template <class T>
blueprint object_blueprint(const T* initial) {
  return object_blueprint<T>(
      [](std::byte* payload, const void* from) {
        std::memcpy(cell_of<T>::initial_copy(payload), from, sizeof(T));
      },
      initial);
}

/// A value-initialised T.
template <class T>
blueprint default_object_blueprint() {
  return object_blueprint<T>(
      [](std::byte* payload, const void*) {
        construct_initial<T>(cell_of<T>::initial_copy(payload));
      },
      nullptr);
}

/// What a read-write handle of an object holds; where a guard finds it although the handle moves.
template <class T>
struct object_core {
  object_core(const key& which, open_mode mode, const options& how, const blueprint& plan)
      : place(which, mode, how, &plan) {}

  closing close() noexcept {
    const closing how = place.close();
    if (how == closing::done) buffer.release();
    return how;
  }
  std::size_t address_bytes() const noexcept { return place.address_bytes(); }

  connection place;
  draft_buffer<T> buffer;  // which a thread that holds the lock may be writing
};

}  // namespace shm::detail
