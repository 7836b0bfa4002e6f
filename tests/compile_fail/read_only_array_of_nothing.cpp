// expect: an array has at least one element
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = int;

void use() {
  shm::array<const bad, 0> o("x");
}
