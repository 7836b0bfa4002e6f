// Remover: takes the object away when nobody needs it any more.
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

int main(int argc, char** argv) try {
  shm::remove(argc > 1 ? argv[1] : "example.car");
  std::puts("removed");
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
