// expect: this function takes the value as a copy
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = int;

void use() {
  shm::array<bad> numbers("x");
  static_cast<void>(numbers.update_for(std::chrono::seconds(1), 0, [](bad n) { ++n; }));
}
