// expect: an array has at least one element
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = int;

void use() {
  shm::array<bad, 0> o("x");
}
