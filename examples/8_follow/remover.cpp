// Remover: takes both objects away.
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <shm.hpp>

int main() try {
  for (const char* name : {"example.command", "example.motor"}) shm::remove(name);
  std::puts("removed");
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
