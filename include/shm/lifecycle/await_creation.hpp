// Await creation: opens again and again until there is an object, where options say so.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>

#include "../base/crash_point.hpp"
#include "../base/deadline.hpp"
#include "../base/options.hpp"
#include "../os/key.hpp"
#include "../os/pause.hpp"
#include "../os/refusals.hpp"
#include "../os/segment.hpp"

namespace shm::detail {

/// Pauses for a millisecond, and on until there is a segment under the key or the deadline has
/// passed. Looks only for the segment: an opener that enters the door of a set without a segment
/// would be in the way of the creator.
inline void pause_until_segment(const key& which, const deadline& until) noexcept {
  do {
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(until.remaining());
    pause_for(std::min(std::chrono::microseconds(1000), left + std::chrono::microseconds(1)));
    crash_point("await: looked");
  } while (!until.passed() && segment::find(which.segment_key()).error_number == ENOENT);
}

/// Returns what `open` returns. If that throws not_found, calls it again when there may be an
/// object, until options::await_creation has passed. Any other refusal goes on at once.
template <class Open>
auto await_creation(const key& which, const options& how, Open open) {
  const auto until = deadline::after(how.await_creation);
  for (;;) {
    try {
      return open();
    } catch (const error& refusal) {
      if (refusal.code() != errc::not_found || how.await_creation.count() <= 0) throw;
    }
    if (until.passed()) {
      refuse(errc::not_found, {which.name(), which.segment_key()},
             "waited " + std::to_string(how.await_creation.count()) +
                 " ms (options::await_creation) for an object of that name, and there is none, or "
                 "its creator died before it was ready; start the program that creates it, or wait "
                 "longer");
    }
    pause_until_segment(which, until);
  }
}

}  // namespace shm::detail
