// expect: has a reference, or a member that {} does not initialise
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

struct bad {
  int& elsewhere;
};

void use() {
  shm::object<bad> o("x");
}
