// Meaning maker: makes an object with a field of each kind that means more than its bytes.
// SPDX-License-Identifier: MIT
//
// meaning_maker NAME
#include <bitset>
#include <chrono>
#include <complex>
#include <optional>
#include <shm.hpp>

namespace {

enum class gear : std::int8_t { neutral, first, reverse = 7 };
enum class letter : char { one = 1, large = 'A' };
enum class answer : bool { no, yes };

struct point {
  BOOST_HANA_DEFINE_STRUCT(point, (float, x), (float, y));
};

struct motor {
  using numbers = shm::static_vector<std::int16_t, 4>;
  using points = shm::static_vector<point, 2>;
  using names = shm::static_vector<shm::static_string<3>, 3>;
  using frames = std::chrono::duration<std::int32_t, std::ratio<1, 60>>;
  using pair = std::array<std::int16_t, 2>;
  using pairs = shm::static_vector<pair, 2>;
  BOOST_HANA_DEFINE_STRUCT(
      motor, (gear, selected), (double, speed), (std::chrono::milliseconds, timeout),
      (frames, shown), (std::chrono::duration<double>, exact),
      (std::chrono::system_clock::time_point, since), (std::chrono::steady_clock::time_point, seen),
      (shm::static_string<6>, name), (numbers, list), (points, path), (names, words),
      (std::optional<std::int32_t>, maybe), (std::optional<point>, place), (std::bitset<10>, flags),
      (std::complex<double>, z), (double, größe), (letter, sign), (answer, ready), (pairs, grid),
      (std::optional<pair>, both), (float, part), (shm::static_vector<char, 3>, signs));
};

}  // namespace

template <>
struct shm::notes<motor> {
  static constexpr std::array value{
      shm::note{"speed", "m/s", 0, 90, "over ground"}, shm::note{"maybe", "V", -5, 5},
      shm::note{"timeout", "", 0, 60000}, shm::note{"part", "", 0.7, 1.1}};
};

int main(int, char** arguments) {
  shm::object<motor>{shm::create_only, arguments[1]};
}
