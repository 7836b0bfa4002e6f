// expect: a lock, a semaphore or an atomic
// SPDX-License-Identifier: MIT
#include <atomic>
#include <shm.hpp>

struct bad {
  std::atomic<int> value;
};

void use() {
  shm::object<bad> o("x");
}
