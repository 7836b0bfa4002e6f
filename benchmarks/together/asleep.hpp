// Asleep: whether another process sleeps, as the kernel sees it.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <fstream>
#include <string>

namespace bench {

inline bool is_asleep(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string line;
  std::getline(file, line);
  // The program's name stands in parentheses, and may have some itself.
  const std::size_t name_ends = line.rfind(')');
  return name_ends != std::string::npos && line.compare(name_ends, 3, ") S") == 0;
}

}  // namespace bench
