// expect: this T cannot be assigned
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

struct bad {
  const int number;
};

void use() {
  bad into{1};
  shm::object<bad>("x").load(into);
}
