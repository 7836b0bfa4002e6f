// expect: keep the handle in a variable
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = shm::any_object;

void use() {
  if (auto guard = bad("x").try_lock()) std::puts("held");
}
