// expect: static_string<N>
// SPDX-License-Identifier: MIT
#include <shm.hpp>

#include <string>

struct bad {
  int n;
  std::string name;
};

void use() {
  shm::object<bad> o("x");
}
