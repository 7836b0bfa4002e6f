// expect: has a bit-field, which has no address
// SPDX-License-Identifier: MIT
#include <shm.hpp>

struct inside {
  bool on : 1;
};
struct bad {
  int n;
  inside in[2];
};

void use() {
  shm::object<bad> o("x");
}
