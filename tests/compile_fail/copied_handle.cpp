// expect: delete
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = int;

void use() {
  shm::object<bad> o("x");
  shm::object<bad> p(o);
}
