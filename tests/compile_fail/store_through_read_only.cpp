// expect: no member named|has no member
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = int;

void use() {
  shm::object<const bad> o("x");
  o.store(1);
}
