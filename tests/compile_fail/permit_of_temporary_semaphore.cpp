// expect: keep the handle in a variable
// SPDX-License-Identifier: MIT
#include <shm.hpp>

void use() {
  const auto permit = shm::semaphore("x", 1).acquire();
}
