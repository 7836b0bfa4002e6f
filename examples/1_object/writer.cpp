// Writer: creates an object, or opens the one that is there, and updates it.
// SPDX-License-Identifier: MIT
#include <cstdio>

#include "telemetry.hpp"

int main(int argc, char** argv) try {
  const shm::key name = argc > 1 ? argv[1] : "example.car";
  shm::object<telemetry> car{name};
  for (int gear = 1; gear <= 3; ++gear) {
    car.update([gear](telemetry& t) {
      t.gear = gear;
      t.speed = gear * 30.5;
    });
    std::printf("wrote gear %d, speed %.1f\n", gear, gear * 30.5);
  }
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
