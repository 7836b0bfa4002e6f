// Reader: shows the latest value; it can neither create nor change anything.
// SPDX-License-Identifier: MIT
#include <cstdio>

#include "telemetry.hpp"

int main(int argc, char** argv) try {
  const shm::key name = argc > 1 ? argv[1] : "example.car";
  const shm::object<const telemetry> car{name};
  const telemetry now = car.load();
  std::printf("gear %d, speed %.1f, after %llu updates\n", now.gear, now.speed,
              static_cast<unsigned long long>(car.version()));
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
