// expect: reference or a member without a default
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

struct bad {
  int& elsewhere;
};

void use() {
  shm::object<bad> o("x");
}
