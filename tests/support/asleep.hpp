// Asleep: whether a thread of some process sleeps in the kernel, as /proc tells.
// SPDX-License-Identifier: MIT
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <fstream>
#include <stdexcept>
#include <string>

namespace support {

/// The letter that /proc/<pid>/task/<tid>/stat has for its state: S while it sleeps.
inline char state_of_thread(pid_t process, pid_t thread) {
  std::ifstream file("/proc/" + std::to_string(process) + "/task/" + std::to_string(thread) +
                     "/stat");
  std::string line;
  if (!std::getline(file, line)) throw std::logic_error("there is no thread to look at");
  // The name before it can hold anything, and ends with the last parenthesis.
  const std::size_t name_ends = line.rfind(')');
  if (name_ends == line.npos || name_ends + 2 >= line.size()) {
    throw std::logic_error("the kernel's line about a thread has another form");
  }
  return line[name_ends + 2];
}

/// Blocks until that thread sleeps; without a number, the only thread of the process.
inline void await_sleep_of(pid_t process, pid_t thread = 0) {
  while (state_of_thread(process, thread == 0 ? process : thread) != 'S') ::sched_yield();
}

}  // namespace support
