// Removing: politely, by force, and by itself.
// SPDX-License-Identifier: MIT
#include <cstdio>

#include "telemetry.hpp"

void politely() {
  // [sample]
  try {
    shm::remove("sample.car");  // nothing happens when there is nothing
  } catch (const shm::error& problem) {
    if (problem.code() != shm::errc::in_use) throw;
    std::puts("somebody has it open; it stays as it was");
  }
  // [/sample]
}

void by_force() {
  // [sample]
  shm::remove("sample.car", shm::force);  // who has it open gets errc::removed, never a hang
  // [/sample]
}

void by_itself() {
  // [sample]
  shm::options brief;
  brief.lifetime = shm::lifetime::until_last_detach;
  shm::object<telemetry> car{"sample.car", brief};  // gone when the last handle closes
  // [/sample]
}

bool is_there() {
  try {
    static_cast<void>(shm::object<const telemetry>{"sample.car"}.load());
    return true;
  } catch (const shm::error& problem) {
    if (problem.code() != shm::errc::not_found) throw;
    return false;
  }
}

int main() {
  {
    shm::object<telemetry> car{"sample.car"};
    politely();
    if (!is_there()) return 1;
    by_force();
    if (is_there()) return 1;
  }
  by_itself();
  return is_there() ? 1 : 0;
}
