// Your struct: the samples of docs/how-to/your-struct.md, each used once.
// SPDX-License-Identifier: MIT
#include <array>
#include <cstdint>
#include <shm.hpp>
#include <string>

// [sample]
struct wheel {
  float pressure;
  std::uint8_t size[3];
};
struct car {
  double speed;
  std::int32_t gear;
  wheel wheels[4];
  char name[16];
};
// [/sample]

// [sample]
extern "C" {
struct motor {  // from a header of somebody else
  char mode;
  char enabled;
  short rpm_limit;
  int rpm;
};
}
BOOST_HANA_ADAPT_STRUCT(motor, mode, enabled, rpm_limit, rpm);
// [/sample]

// [sample]
class reading {
 public:
  reading() = default;
  explicit reading(double volts) : volts_(volts) {}
  double volts() const { return volts_; }

  BOOST_HANA_DEFINE_STRUCT(reading, (double, volts_));
};
// [/sample]

int main() {
  shm::object<car> first{"sample.struct.car"};
  first.update([](car& now) { now.gear = 3; });
  shm::object<motor> second{"sample.struct.motor"};
  second.store({'a', 1, 3000, 120});
  shm::object<reading> third{shm::open_or_create, "sample.struct.reading", reading(1.5)};
  const bool works = first.load().gear == 3 && second.load().rpm == 120 &&
                     third.load().volts() == 1.5 &&
                     shm::schema_of<motor>().format() == "T{c:mode:c:enabled:<h:rpm_limit:<i:rpm:}";
  for (const char* name : {"sample.struct.car", "sample.struct.motor", "sample.struct.reading"}) {
    shm::remove(name, shm::force);
  }
  return works ? 0 : 1;
}
