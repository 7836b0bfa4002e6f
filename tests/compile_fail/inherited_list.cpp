// expect: list of this struct is inherited
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

struct base {
  BOOST_HANA_DEFINE_STRUCT(base, (int, a), (char, b));
};
struct bad : base {
  char forgotten;
};

void use() {
  shm::object<bad> o("x");
}
