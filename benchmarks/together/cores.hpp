// Cores: processes are pinned in turn to those that this program may use.
// SPDX-License-Identifier: MIT
#pragma once

#include <sched.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

#include "../contenders/site.hpp"

namespace bench {

/// False for those that share a core, and its caches, with one of a lower number.
inline bool is_first_of_its_core(std::size_t number) {
  std::ifstream siblings("/sys/devices/system/cpu/cpu" + std::to_string(number) +
                         "/topology/thread_siblings_list");
  std::size_t first = number;
  return !(siblings >> first) || first == number;
}

/// Asked once, before anything is pinned. Two processes come to share a core only when all are
/// taken.
inline const std::vector<std::size_t>& cores() {
  static const std::vector<std::size_t> allowed = [] {
    cpu_set_t set;
    checked(::sched_getaffinity(0, sizeof set, &set), "sched_getaffinity");
    std::vector<std::size_t> found;
    for (std::size_t core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(core, &set)) found.push_back(core);
    }
    std::stable_partition(found.begin(), found.end(), is_first_of_its_core);
    return found;
  }();
  return allowed;
}

inline void pin(std::size_t number) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cores()[number % cores().size()], &set);
  checked(::sched_setaffinity(0, sizeof set, &set), "sched_setaffinity");
}

}  // namespace bench
