// Object core: what a read-write handle of an object holds.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstring>

#include "../schema/describe.hpp"
#include "../session/connection.hpp"
#include "value.hpp"
#include "versioned_cell.hpp"

namespace shm::detail {

template <class T>
using cell_of = versioned_cell<sizeof(T), alignof(T)>;

template <class T>
blueprint object_blueprint(const T* initial) {
  check_shareable<T>();
  const auto construct = [](std::byte* payload, const void* from) {
    std::memcpy(cell_of<T>::initial_copy(payload), from, sizeof(T));
  };
  return {segment_kind::object,  &schema_of<T>(), cell_of<T>::payload_size,
          cell_of<T>::alignment, construct,       initial};
}

/// What a read-write handle of an object holds; where a guard finds it although the handle moves.
template <class T>
struct object_core {
  object_core(const key& which, open_mode mode, const options& how, const T* initial)
      : place(which, mode, how, object_blueprint(initial)) {}

  connection place;
  draft_buffer<T> buffer;
};

}  // namespace shm::detail
