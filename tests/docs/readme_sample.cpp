// Readme sample: the code that the README shows, compiled and run.
// SPDX-License-Identifier: MIT
// [sample]
#include <shm.hpp>

struct telemetry {
  BOOST_HANA_DEFINE_STRUCT(telemetry, (double, speed), (std::int32_t, gear));
};

int main() {
  shm::object<telemetry> car{"car"};             // opens it, or creates it
  car.update([](telemetry& t) { t.gear = 3; });  // scoped, crash-atomic
  return car.load().gear;                        // lock-free, never torn
}
// [/sample]
