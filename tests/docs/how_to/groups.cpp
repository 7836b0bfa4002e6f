// Groups: an object for a group of users.
// SPDX-License-Identifier: MIT
#include <sys/types.h>
#include <unistd.h>

#include "telemetry.hpp"

int main() {
  {
    // [sample]
    shm::options with_group;
    with_group.access = shm::access::group;  // 0660
    shm::object<telemetry> car{"sample.car", with_group};
    // [/sample]
    car.store({30.5, 2});
  }
  {
    shm::options with_group;
    with_group.access = shm::access::group;
    // [sample]
    const shm::object<const telemetry> car{"sample.car", with_group};  // reading is enough
    // [/sample]
    if (car.load().gear != 2) return 1;
  }
  shm::remove("sample.car");
}
