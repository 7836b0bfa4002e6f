// expect: shm: T holds a pointer
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

struct bad {
  int* p;
};
BOOST_HANA_ADAPT_STRUCT(bad, p);

void use() {
  shm::object<bad> o("x");
}
