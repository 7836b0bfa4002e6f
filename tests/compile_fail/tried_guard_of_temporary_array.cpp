// expect: keep the handle in a variable
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = int;

void use() {
  if (auto guard = shm::array<bad, 3>("x").try_lock()) guard->store(0, 1);
}
