// From shmget: the classic calls, and what takes their place.
// SPDX-License-Identifier: MIT
#include <sys/ipc.h>
#include <sys/shm.h>

#include "telemetry.hpp"

int main() {
  const char* const path = "/";
  {
    // [sample]
    const shm::key same_key = shm::key::from_path(path, 'c');  // ftok(path, 'c')
    shm::object<telemetry> car{same_key};
    car.update([](telemetry& t) { t.gear = 3; });
    // [/sample]
    if (car.load().gear != 3) return 1;
    // What the page says of keys: the segment is where ftok's users look for it.
    if (::shmget(::ftok(path, 'c'), 0, 0) == -1) return 1;
  }
  {
    // [sample]
    shm::array<telemetry, 64> fleet{"sample.fleet"};
    auto all = fleet.lock();
    for (telemetry& one : all.raw()) one.speed = 0;  // in place, as with shmat
    // [/sample]
  }
  shm::remove(shm::key::from_path(path, 'c'));
  shm::remove("sample.fleet");
}
