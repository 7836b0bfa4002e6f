// expect: keep the handle in a variable
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

void use() {
  const std::string_view name = shm::mutex("x").name();
  std::puts(name.data());
}
