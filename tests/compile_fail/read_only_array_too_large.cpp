// expect: shm: an array of N elements T is larger than an address space
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

void use() {
  shm::array<const std::int64_t, (std::size_t{1} << 61) + 1> o("x");
}
