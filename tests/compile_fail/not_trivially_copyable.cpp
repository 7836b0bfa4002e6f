// expect: shm: this type must be trivially copyable
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = std::string;

void use() {
  shm::object<bad> o("x");
}
