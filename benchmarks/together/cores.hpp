// Cores: processes are pinned in turn to those that this program may use.
// SPDX-License-Identifier: MIT
#pragma once

#include <sched.h>

#include <cstddef>
#include <vector>

#include "../contenders/site.hpp"

namespace bench {

/// Asked once, before anything is pinned.
inline const std::vector<std::size_t>& cores() {
  static const std::vector<std::size_t> allowed = [] {
    cpu_set_t set;
    checked(::sched_getaffinity(0, sizeof set, &set), "sched_getaffinity");
    std::vector<std::size_t> found;
    for (std::size_t core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(core, &set)) found.push_back(core);
    }
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
