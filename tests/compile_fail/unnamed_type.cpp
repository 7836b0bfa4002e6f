// expect: template argument
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = int;

void use() {
  shm::object o(shm::create_only, "x", bad{});
}
