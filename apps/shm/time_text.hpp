// Time text: durations and points in time as people write them, and back to ticks.
// SPDX-License-Identifier: MIT
#pragma once

#include <shm.hpp>
#include <string>

namespace tool {

__extension__ using wide = __int128;

/// Ticks of a duration or time_point: whole ones, or fractions of one where they are stored so.
struct ticks {
  bool are_whole = true;
  wide whole = 0;
  long double fraction = 0;
};

/// Of a duration: 1500ms. Of a time_point: 2026-11-26T09:30:00.25Z where its clock is the system's,
/// else the duration since the epoch of its clock.
std::string time_text(const shm::field& what, const ticks& value);

/// Understands the same, every unit from ns to d, and `now` for the clocks system and steady.
/// Throws refusal where the text is no such value, or none that whole ticks express.
ticks ticks_from(const shm::field& what, const std::string& path, const std::string& text);

}  // namespace tool
