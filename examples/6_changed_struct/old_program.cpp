// Old program: knows the struct as it was.
// SPDX-License-Identifier: MIT
#include <cstdint>
#include <cstdio>
#include <shm.hpp>

struct telemetry {
  BOOST_HANA_DEFINE_STRUCT(telemetry, (double, speed), (std::int32_t, gear));
};

int main(int argc, char** argv) try {
  shm::object<telemetry> car{argc > 1 ? argv[1] : "example.changed"};
  car.store({88.5, 4});
  std::puts("the old program wrote gear 4");
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
