// expect: names a field that is no member of T
// SPDX-License-Identifier: MIT
#include <shm.hpp>

struct telemetry {
  BOOST_HANA_DEFINE_STRUCT(telemetry, (double, speed));
};
template <>
struct shm::notes<telemetry> {
  static constexpr std::array value{shm::note{"sped", "m/s"}};
};

void use() {
  shm::object<telemetry> o("x");
}
