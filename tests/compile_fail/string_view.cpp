// expect: string_view or span
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = std::string_view;

void use() {
  shm::object<bad> o("x");
}
