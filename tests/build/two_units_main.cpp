// Two units: what one translation unit makes, the other uses.
// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <shm.hpp>
#include <string>

int gear_of(const std::string& name);

int main() {
  const std::string name = "test.two_units." + std::to_string(::getpid());
  int seen = 0;
  {
    shm::object<int> gear(shm::create_only, name, 3);
    seen = gear_of(name);
  }
  shm::remove(name);
  return seen == 3 ? 0 : 1;
}
