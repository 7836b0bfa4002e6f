// expect: takes the value as a copy
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using good = int;

void use() {
  shm::object<good> o("x");
  o.update([](auto value) { value = 1; });
}
