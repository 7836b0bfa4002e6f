// Tidy: takes the tutorial's objects away.
// SPDX-License-Identifier: MIT
// [sample]
#include <cstdio>
#include <shm.hpp>
#include <string>

int main() try {
  for (const char* name : {"trip", "books", "orders", "invoices"}) {
    shm::remove(std::string("tutorial.") + name);
  }
  std::puts("nothing is left");
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
// [/sample]
