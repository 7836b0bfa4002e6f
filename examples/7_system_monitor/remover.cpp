// Remover: takes the monitor's objects away.
// SPDX-License-Identifier: MIT
//
// --object NAME   the objects' common name (example.system)
#include <cstdio>

#include "monitor.hpp"

int main(int argc, char** argv) try {
  shm::remove(load_name(argc, argv));
  shm::remove(table_name(argc, argv));
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
