// expect: this is a member of another class than T
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

struct good {
  int number;
};
struct bad {
  int number;
};

void use() {
  static_cast<void>(shm::object<good>("x").load(&bad::number));
}
