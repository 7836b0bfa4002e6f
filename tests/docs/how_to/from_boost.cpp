// From Boost: what the same program looks like with this library.
// SPDX-License-Identifier: MIT
#include "telemetry.hpp"

int main() {
  {
    // [sample]
    shm::object<telemetry> car{"sample.car"};  // find_or_construct, and the mutex beside it
    car.update([](telemetry& t) { t.gear = 3; });
    const telemetry now = car.load();  // no lock
    // [/sample]
    if (now.gear != 3) return 1;
  }
  {
    // [sample]
    shm::mutex door{"sample.door"};
    const shm::scoped_lock lock{door};
    if (door.owner_died()) {
      // … put in order what the lock protects …
      door.mark_repaired();
    }
    // [/sample]
  }
  shm::remove("sample.car");
  shm::remove("sample.door");
}
