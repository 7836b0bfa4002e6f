// Drafting core: an open read-write handle, and the buffer in which its changes are drafted.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "../session/connection.hpp"
#include "value.hpp"

namespace shm::detail {

/// What a read-write handle holds that drafts a T; where a guard finds it although the handle
/// moves.
template <class T>
struct drafting_core {
  drafting_core(const key& which, open_mode mode, const options& how, const blueprint& plan)
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
