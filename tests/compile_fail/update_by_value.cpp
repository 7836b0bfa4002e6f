// expect: takes the value as a copy
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

struct bad {
  int a;
};

void use() {
  shm::object<bad> o("x");
  o.update([](bad value) { value.a = 1; });
}
