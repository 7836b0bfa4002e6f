// App: the smallest program that uses the library; every way of getting it is tested with this one.
// SPDX-License-Identifier: MIT
#include <cstdint>
#include <cstdio>
#include <shm.hpp>

struct telemetry {
  BOOST_HANA_DEFINE_STRUCT(telemetry, (double, speed), (std::int32_t, gear));
};

int main() {
  shm::object<telemetry> car{shm::key::anonymous()};
  car.update([](telemetry& t) { t.gear = 3; });
  std::printf("shm %d.%d.%d: gear %d\n", shm::version_major, shm::version_minor, shm::version_patch,
              static_cast<int>(car.load().gear));
}
