// expect: list of this class is private
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

class bad {
  BOOST_HANA_DEFINE_STRUCT(bad, (double, volts));

 public:
  void set(double v) { volts = v; }
};

void use() {
  shm::object<bad> o("x");
}
