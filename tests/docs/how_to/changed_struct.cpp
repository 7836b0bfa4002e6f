// Changed struct: a program that moves a value from the old struct to the new one.
// SPDX-License-Identifier: MIT
#include <cstdint>
#include <shm.hpp>

// [sample]
namespace old {
struct telemetry {
  BOOST_HANA_DEFINE_STRUCT(telemetry, (double, speed), (std::int32_t, gear));
};
}  // namespace old

struct telemetry {
  BOOST_HANA_DEFINE_STRUCT(telemetry, (double, speed), (std::int32_t, gear), (float, fuel));
};

void migrate() {
  shm::object<old::telemetry> before{shm::open_only, "sample.car.1"};
  auto last = before.lock();  // from here on the old writers wait
  last.discard();
  shm::object<telemetry> after{shm::open_or_create, "sample.car.2", {last->speed, last->gear, 0}};
  shm::remove("sample.car.1", shm::force);  // the old programs get errc::removed
}
// [/sample]

int main() {
  shm::object<old::telemetry> program{shm::create_only, "sample.car.1", {30.5, 2}};
  migrate();
  if (shm::object<telemetry>{shm::open_only, "sample.car.2"}.load().gear != 2) return 1;
  shm::remove("sample.car.2");
  try {
    static_cast<void>(program.load());
  } catch (const shm::error& refusal) {
    return refusal.code() == shm::errc::removed ? 0 : 1;
  }
  return 1;
}
