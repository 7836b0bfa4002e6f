// expect: a map has room for at least one entry
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = int;

void use() {
  shm::map<bad, int, 0> o("x");
}
