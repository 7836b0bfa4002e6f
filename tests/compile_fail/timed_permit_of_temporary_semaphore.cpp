// expect: keep the handle in a variable
// SPDX-License-Identifier: MIT
#include <shm.hpp>

void use() {
  const auto permit = shm::semaphore("x", 1).try_acquire_for(std::chrono::seconds(1));
}
