// expect: insert
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = int;

void use() {
  shm::map<bad, const int, 10> o("x");
  o.insert(1, 1);
}
