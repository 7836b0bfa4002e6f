// expect: shm: this member is or holds an address
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
