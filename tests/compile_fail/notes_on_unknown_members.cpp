// expect: is for a struct whose members are known
// SPDX-License-Identifier: MIT
#include <shm.hpp>

class telemetry {
 public:
  telemetry() = default;

 private:
  double speed_ = 0;
};
template <>
struct shm::notes<telemetry> {
  static constexpr std::array value{shm::note{"speed", "m/s"}};
};

void use() {
  shm::object<telemetry> o("x");
}
