// expect: is or holds an address
// SPDX-License-Identifier: MIT
#include <system_error>

#include <shm.hpp>

struct bad {
  BOOST_HANA_DEFINE_STRUCT(bad, (int, n), (std::error_code, last));
};

void use() {
  shm::object<bad> o("x");
}
