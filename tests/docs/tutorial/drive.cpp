// Drive: the tutorial's writer.
// SPDX-License-Identifier: MIT
// [sample]
#include <cstdio>

#include "trip.hpp"

int main() try {
  shm::object<trip> car{"tutorial.trip"};
  for (int i = 0; i < 3; ++i) {
    car.update([](trip& t) {
      t.seconds += 1;
      t.metres += 10;
    });
  }
  std::printf("drove 3 seconds\n");
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
// [/sample]
