// expect: contains a tab, a newline or another control character
// SPDX-License-Identifier: MIT
#include <shm.hpp>

struct telemetry {
  BOOST_HANA_DEFINE_STRUCT(telemetry, (double, speed));
};
template <>
struct shm::notes<telemetry> {
  static constexpr std::array value{shm::note{"speed", "m\ns"}};
};

void use() {
  shm::object<telemetry> o("x");
}
