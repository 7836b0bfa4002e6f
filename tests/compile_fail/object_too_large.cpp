// expect: shm: T is larger than an address space
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

void use() {
  shm::object<std::array<char, (std::size_t{1} << 58)>> o("x");
}
