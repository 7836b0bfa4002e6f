// expect: ambiguous
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using namespace shm;

void use() {
  remove("x");
}
