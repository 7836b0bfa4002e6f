// expect: is or holds an address
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

inline auto make() {
  return [text = "x"] { return *text; };
}
struct bad {
  BOOST_HANA_DEFINE_STRUCT(bad, (decltype(make()), f));
};

void use() {
  shm::object<bad> o(shm::open_only, "x");
}
