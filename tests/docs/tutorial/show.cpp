// Show: the tutorial's reader.
// SPDX-License-Identifier: MIT
// [sample]
#include <cstdio>

#include "trip.hpp"

int main() try {
  const shm::object<const trip> car{"tutorial.trip"};
  const trip now = car.load();
  std::printf("%ld seconds, %ld metres\n", now.seconds, now.metres);
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
// [/sample]
