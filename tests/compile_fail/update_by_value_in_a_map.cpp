// expect: takes the value as a copy
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

void use() {
  shm::map<int, int, 3> m("x");
  m.update(1, [](int value) { value = 1; });
}
