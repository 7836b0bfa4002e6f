// System calls: every one that the library makes is counted, and one of them can be made to fail.
// SPDX-License-Identifier: MIT
#pragma once

#include <set>
#include <string>
#include <vector>

namespace faults {

/// The errors that Linux may give for that call at any time.
const std::vector<int>& plausible_errors(const std::string& call);

/// By the names that errors are listed for: semop(door?) waits there first, + and - go up and down.
std::set<std::string> known_calls();

/// What the calling process does from now on; a forked child starts with what its parent had.
struct plan {
  bool active = false;
  std::string failing_call;  ///< its name; empty: none
  int occurrence = 0;        ///< the how manieth of that name
  int error_number = 0;
  bool is_of_semaphore = false;  ///< whose third semaphore holds its permits
  int log = -1;                  ///< a pipe that is told the name of every call
  void (*before)(const std::string& call) = nullptr;
};
extern plan the_plan;

}  // namespace faults
