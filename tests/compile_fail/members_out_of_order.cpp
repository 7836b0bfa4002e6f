// expect: in the order of their declaration
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

struct bad {
  int a;
  int b;
};
BOOST_HANA_ADAPT_STRUCT(bad, b, a);

void use() {
  shm::object<bad> o("x");
}
