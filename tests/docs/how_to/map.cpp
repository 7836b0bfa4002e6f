// Map: what docs/how-to/map.md shows.
// SPDX-License-Identifier: MIT
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <shm.hpp>

#include "telemetry.hpp"

namespace {

// [sample]
using plate = std::array<char, 12>;  // unused characters are zero

struct position {
  BOOST_HANA_DEFINE_STRUCT(position, (std::int32_t, x), (std::int32_t, y));
};
// [/sample]

void require(bool holds) {
  if (!holds) std::abort();
}

void write() {
  // [sample]
  shm::map<plate, telemetry, 1000> cars("example.cars");
  cars.insert({"AB-12345"}, {12.5, 3});                       // false if the key is there
  cars.insert_or_assign({"CD-67890"}, {8.0, 2});              // the value before, or this one
  cars.update({"AB-12345"}, [](telemetry& t) { ++t.gear; });  // false if the key is not there
  cars.erase({"CD-67890"});
  // [/sample]
  require(cars.size() == 1);
}

int read() {
  int gear = 0;
  // [sample]
  const shm::map<plate, const telemetry, 1000> cars("example.cars");
  if (const auto car = cars.find({"AB-12345"})) gear = car->gear;
  for (const auto& [name, car] : cars.snapshot()) {
    std::printf("%s: %.1f\n", name.data(), car.speed);
  }
  // [/sample]
  return gear;
}

}  // namespace

int main() {
  write();
  require(read() == 4);
  shm::map<position, std::uint8_t, 10> grid("example.grid");
  require(grid.insert({1, 2}, 3) && grid.find({1, 2}) == 3);
  shm::remove("example.cars", shm::force);
  shm::remove("example.grid", shm::force);
}
