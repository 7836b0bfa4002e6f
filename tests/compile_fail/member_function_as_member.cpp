// expect: load\(\) takes a pointer to a data member
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

struct bad {
  int number;
  int twice() const { return 2 * number; }
};

void use() {
  static_cast<void>(shm::object<bad>("x").load(&bad::twice));
}
