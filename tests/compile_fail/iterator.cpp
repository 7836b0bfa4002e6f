// expect: is or holds an address
// SPDX-License-Identifier: MIT
#include <vector>

#include <shm.hpp>

struct bad {
  std::vector<int>::iterator where;
};

void use() {
  shm::object<bad> o("x");
}
