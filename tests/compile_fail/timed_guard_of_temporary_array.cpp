// expect: keep the handle in a variable
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = int;

void use() {
  if (auto guard = shm::array<bad>("x").try_lock_for(std::chrono::seconds(1))) guard->store(0, 1);
}
