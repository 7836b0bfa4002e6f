// expect: keep the guard in a variable
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = int;

void use() {
  shm::array<bad, 3> a("x");
  std::printf("%d", *a.lock().begin());
}
