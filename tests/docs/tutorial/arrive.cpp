// Arrive: the tutorial's program that waits.
// SPDX-License-Identifier: MIT
// [sample]
#include <cstdio>

#include "trip.hpp"

int main() try {
  const shm::object<const trip> car{"tutorial.trip"};
  const trip there = car.wait([](const trip& t) { return t.metres >= 90; });
  std::printf("there after %ld seconds\n", there.seconds);
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
// [/sample]
