// Your struct: the samples of docs/how-to/your-struct.md, each used once.
// SPDX-License-Identifier: MIT
#include <array>
#include <bitset>
#include <chrono>
#include <cstdint>
#include <optional>
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

// [sample]
struct waypoint {
  double x;
  double y;
};
struct robot {
  shm::static_string<31> name;            // at most 31 bytes
  shm::static_vector<waypoint, 16> path;  // at most 16 elements
  std::optional<double> battery;          // or nothing
  std::bitset<12> bumpers;
};

void start(shm::object<robot>& shared) {
  shared.update([](robot& it) {
    it.name = "Ilse";
    it.path.push_back({1.0, 2.0});
    it.battery = 12.6;
  });
}
// [/sample]

// [sample]
struct job {
  std::chrono::milliseconds limit;
  std::chrono::system_clock::time_point started;
};
// [/sample]

// [sample]
enum class gear { neutral, first, reverse };
struct telemetry {
  BOOST_HANA_DEFINE_STRUCT(telemetry, (double, speed), (gear, selected));
};
template <>
struct shm::notes<telemetry> {
  static constexpr std::array value{shm::note{"speed", "m/s", 0, 90, "over ground"}};
};
// [/sample]

int main() {
  shm::object<car> first{"sample.struct.car"};
  first.update([](car& now) { now.gear = 3; });
  shm::object<motor> second{"sample.struct.motor"};
  second.store({'a', 1, 3000, 120});
  shm::object<reading> third{shm::open_or_create, "sample.struct.reading", reading(1.5)};
  shm::object<robot> fourth{"sample.struct.robot"};
  start(fourth);
  shm::object<job> fifth{"sample.struct.job"};
  fifth.store({std::chrono::seconds(5), std::chrono::system_clock::now()});
  shm::object<telemetry> sixth{"sample.struct.telemetry"};
  sixth.store({12.5, gear::reverse});
  const bool means_something =
      fourth.load().name == "Ilse" && fourth.load().path.size() == 1 &&
      fifth.load().limit == std::chrono::milliseconds(5000) &&
      shm::schema_of<telemetry>().notes().find("reverse=2") != std::string_view::npos;
  const bool works = means_something && first.load().gear == 3 && second.load().rpm == 120 &&
                     third.load().volts() == 1.5 &&
                     shm::schema_of<motor>().format() == "T{c:mode:c:enabled:<h:rpm_limit:<i:rpm:}";
  for (const char* name : {"sample.struct.car", "sample.struct.motor", "sample.struct.reading",
                           "sample.struct.robot", "sample.struct.job", "sample.struct.telemetry"}) {
    shm::remove(name, shm::force);
  }
  return works ? 0 : 1;
}
