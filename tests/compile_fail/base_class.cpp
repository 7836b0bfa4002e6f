// expect: members of a struct with a base class cannot be seen
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

struct base {
  int a;
};
struct bad : base {
  int b;
};

void use() {
  shm::object<bad> o("x");
}
