// expect: a pointer, reference, view, iterator
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

using bad = std::string_view;

void use() {
  shm::object<bad> o("x");
}
