// Bell: wakes all threads of all processes that wait for a change of an object.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

#include "../base/crash_point.hpp"
#include "../format/header.hpp"
#include "../os/futex.hpp"

namespace shm::detail {

/// Precondition: the change is stored.
inline void ring(header& head) noexcept {
  // Release: a thread that sees this number, and so does not sleep, sees the change.
  head.bell.fetch_add(1, std::memory_order_release);
  crash_point("bell: counted");
  futex::wake_all(head.bell);
  crash_point("bell: rung");
}

/// Like ring(), for a change whose publisher died or can go no further. Writes nothing, so it works
/// through a read-only attachment.
inline void ring_for_another(const header& head) noexcept {
  futex::wake_all(head.bell);
}

}  // namespace shm::detail
