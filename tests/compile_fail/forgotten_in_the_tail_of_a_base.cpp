// expect: members or bytes that its Boost.Hana list leaves out
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

struct base {
  int a;
  char b;
};
struct bad : base {
  char forgotten;
};
BOOST_HANA_ADAPT_STRUCT(bad, a, b);

void use() {
  shm::object<bad> o("x");
}
