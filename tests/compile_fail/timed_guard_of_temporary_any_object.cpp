// expect: keep the handle in a variable
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = shm::any_object;

void use() {
  if (auto guard = bad("x").try_lock_for(std::chrono::seconds(1))) std::puts("held");
}
