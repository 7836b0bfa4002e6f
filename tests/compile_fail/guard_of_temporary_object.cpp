// expect: keep the handle in a variable
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = int;

void use() {
  auto guard = shm::object<bad>("x").lock();
  *guard = 1;
}
