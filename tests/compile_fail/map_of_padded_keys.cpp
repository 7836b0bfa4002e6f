// expect: a Key is compared by its bytes
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

struct bad {
  BOOST_HANA_DEFINE_STRUCT(bad, (char, first), (int, second));
};

void use() {
  shm::map<bad, int, 10> o("x");
}
