// Stall: a writer that stops in the middle of its update, to be killed there.
// SPDX-License-Identifier: MIT
// [sample]
#include <unistd.h>

#include <cstdio>

#include "trip.hpp"

int main() try {
  shm::object<trip> car{"tutorial.trip"};
  car.update([](trip& t) {
    t.seconds += 1;
    std::puts("half way");
    std::fflush(stdout);
    for (;;) ::pause();  // the metres are never added
  });
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
// [/sample]
