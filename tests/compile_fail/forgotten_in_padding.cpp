// expect: members or bytes that its Boost.Hana list leaves out
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

struct bad {
  char mode;
  char forgotten;
  int rpm;
};
BOOST_HANA_ADAPT_STRUCT(bad, mode, rpm);

void use() {
  shm::object<bad> o("x");
}
