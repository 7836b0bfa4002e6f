// New program: somebody has changed the struct since.
// SPDX-License-Identifier: MIT
#include <cstdint>
#include <cstdio>
#include <shm.hpp>

struct telemetry {
  BOOST_HANA_DEFINE_STRUCT(telemetry, (double, speed), (std::int16_t, gear), (float, fuel));
};

int main(int argc, char** argv) {
  try {
    shm::object<telemetry> car{argc > 1 ? argv[1] : "example.changed"};
  } catch (const shm::error& problem) {
    std::puts(problem.what());
    return problem.code() == shm::errc::type_mismatch ? 0 : 1;
  }
  return 1;
}
