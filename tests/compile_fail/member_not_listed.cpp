// expect: list every member
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

struct bad {
  int a;
  double b;
};
BOOST_HANA_ADAPT_STRUCT(bad, a);

void use() {
  shm::object<bad> o("x");
}
