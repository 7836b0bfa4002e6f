// expect: keep the guard in a variable
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = int;

void use() {
  shm::array<bad, 3> a("x");
  for (bad& one : a.lock().raw()) one = 1;
}
