// Map maker: fills the maps at which the command shm is tried, and ends.
// SPDX-License-Identifier: MIT
//
// map_maker PREFIX
#include <array>
#include <cstdint>
#include <shm.hpp>
#include <string>

namespace {

struct car {
  BOOST_HANA_DEFINE_STRUCT(car, (double, speed), (std::int32_t, gear));
};
struct place {
  using text = std::array<char, 6>;
  BOOST_HANA_DEFINE_STRUCT(place, (std::int16_t, row), (text, name));
};

}  // namespace

int main(int, char** argv) {
  const std::string prefix = argv[1];
  shm::map<std::int64_t, car, 10> cars(prefix + ".cars");
  cars.insert(4711, {12.5, 3});
  cars.insert(-3, {1, 1});
  cars.insert(20, {0.5, 2});
  cars.insert(-20, {2.5, 4});
  shm::map<place, std::array<std::int16_t, 2>, 4> places(prefix + ".places");
  places.insert({7, {"a]b"}}, {1, 2});
  places.insert({7, {"abc"}}, {3, 4});
  shm::map<std::array<std::uint8_t, 4>, std::int32_t, 3> addresses(prefix + ".addresses");
  addresses.insert({10, 0, 0, 1}, 1);
  addresses.insert({10, 0, 0, 2}, 2);
}
