// expect: refuse_member<bad, .*1>, bad>|int, 1>; Holder = bad
// SPDX-License-Identifier: MIT
#include <shm.hpp>

struct bad {
  int n;
  unsigned flag : 3;
};

void use() {
  shm::object<bad> o("x");
}
