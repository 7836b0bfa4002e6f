// expect: shm: a C array is no value
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = char[64];

void use() {
  shm::object<bad> o("x");
}
