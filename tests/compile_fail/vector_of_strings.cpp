// expect: elements of a static_vector are trivially copyable
// SPDX-License-Identifier: MIT
#include <shm.hpp>

#include <string>

void use() {
  shm::static_vector<std::string, 4> names;
}
