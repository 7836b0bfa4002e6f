// expect: keep the handle in a variable
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = int;

void use() {
  auto guard = shm::array<bad>("x").lock();
  guard.store(0, 1);
}
