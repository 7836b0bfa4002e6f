// expect: the least value is greater than the most
// SPDX-License-Identifier: MIT
#include <shm.hpp>

struct telemetry {
  BOOST_HANA_DEFINE_STRUCT(telemetry, (double, speed));
};
template <>
struct shm::notes<telemetry> {
  static constexpr std::array value{shm::note{"speed", "m/s", 90, 0}};
};

void use() {
  shm::object<telemetry> o("x");
}
