// expect: Holder = part|refuse_member<const char \*, .*part>
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

struct part {
  int n;
  const char* text;
};
struct bad {
  int a;
  part b[2];
};

void use() {
  shm::object<bad> o("x");
}
