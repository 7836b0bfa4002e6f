// expect: is or holds an address
// SPDX-License-Identifier: MIT
#include <shm.hpp>

struct bad {
  BOOST_HANA_DEFINE_STRUCT(bad, (int, n), (std::optional<const char*>, name));
};

void use() {
  shm::object<shm::static_vector<bad, 4>> o("x");
}
