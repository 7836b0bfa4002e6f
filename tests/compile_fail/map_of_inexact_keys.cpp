// expect: a Key is compared by its bytes
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = double;

void use() {
  shm::map<bad, int, 10> o("x");
}
