// Waiting: for somebody's lock; after a second it is said whose.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <string>

namespace tool {

/// On stderr, when the lock's earlier holder died inside, and nobody has repaired since.
void warn_of_dead_holder(const std::string& name);

/// On stderr, while waiting goes on.
void tell_of_holder(const std::string& name);

/// On stderr, when time is over.
void tell_of_timeout(const std::string& name, long milliseconds);

/// Calls try_for(milliseconds) until it succeeds, or until that time is over; negative: never.
template <class Try>
auto wait_for_lock(const std::string& name, long timeout, Try try_for) {
  using std::chrono::milliseconds;
  const milliseconds patience = timeout < 0 ? milliseconds::max() : milliseconds(timeout);
  const milliseconds silence = std::min(patience, milliseconds(1000));
  auto locked = try_for(silence);
  if (locked) return locked;
  if (patience > silence) {
    tell_of_holder(name);
    if (auto later = try_for(patience - silence)) return later;
  }
  tell_of_timeout(name, timeout);
  return locked;
}

}  // namespace tool
