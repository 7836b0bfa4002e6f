// Leftovers: what the tests of this program have left behind.
// SPDX-License-Identifier: MIT
#include "leftovers.hpp"

#include <cstdio>

#include "names.hpp"

namespace support {

int take_and_tell_leftovers() {
  const auto left = names::take_leftovers();
  for (const std::string& name : left) {
    std::fprintf(stderr, "left behind by a test: \"%s\"\n", name.c_str());
  }
  return static_cast<int>(left.size());
}

}  // namespace support
