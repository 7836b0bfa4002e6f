// expect: a lock, a semaphore or an atomic
// SPDX-License-Identifier: MIT
#include <semaphore.h>

#include <shm.hpp>

struct bad {
  sem_t ready;
  int value;
};

void use() {
  shm::object<bad> o("x");
}
