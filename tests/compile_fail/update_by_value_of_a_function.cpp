// expect: takes the value as a copy
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

inline void change(int value) {
  static_cast<void>(value);
}

void use() {
  shm::array<int, 3> a("x");
  a.update(1, change);
}
