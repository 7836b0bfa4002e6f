// expect success
// SPDX-License-Identifier: MIT
#include <shm.hpp>

struct good {
  int a;
  double b;
};
BOOST_HANA_ADAPT_STRUCT(good, a, b);

void use() {
  shm::object<good> o("x");
}
