// expect: shm: this member is or holds an address
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

struct part {
  int* p;
};
BOOST_HANA_ADAPT_STRUCT(part, p);
struct bad {
  int a;
  part b[2];
};
BOOST_HANA_ADAPT_STRUCT(bad, a, b);

void use() {
  shm::array<bad, 2> o("x");
}
