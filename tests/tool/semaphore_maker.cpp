// Semaphore maker: a semaphore of three permits, two of them held until the end of its input.
// SPDX-License-Identifier: MIT
//
// semaphore_maker NAME
#include <iostream>
#include <shm.hpp>
#include <string>

int main(int, char** argv) {
  shm::semaphore semaphore(argv[1], 3);
  const shm::permit first = semaphore.acquire(), second = semaphore.acquire();
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
  }
}
