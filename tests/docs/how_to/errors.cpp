// Errors: a program that waits for its creator, and starts again after a removal.
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <optional>

#include "telemetry.hpp"

// [sample]
/// Nothing when there is no such object now: look again later.
std::optional<telemetry> latest() try {
  return shm::object<const telemetry>{"sample.car"}.load();
} catch (const shm::error& problem) {
  if (problem.code() == shm::errc::not_found || problem.code() == shm::errc::removed) return {};
  std::fprintf(stderr, "%s\n", problem.what());  // it says which object, why, and what to do
  throw;
}
// [/sample]

int main() {
  if (latest()) return 1;
  {
    const shm::object<telemetry> car{shm::create_only, "sample.car", {30.5, 2}};
    if (!latest() || latest()->gear != 2) return 1;
  }
  shm::remove("sample.car");
  return latest() ? 1 : 0;
}
