// Types: the structs that the tests share.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <shm.hpp>

namespace support {

struct telemetry {
  BOOST_HANA_DEFINE_STRUCT(telemetry, (double, speed), (std::int32_t, gear));
};

/// Whole as long as all its words are equal.
template <std::size_t Words>
struct uniform {
  std::array<std::uint64_t, Words> words;

  static uniform of(std::uint64_t value) {
    uniform made;
    made.words.fill(value);
    return made;
  }
  std::uint64_t value() const { return words[0]; }
  bool is_whole() const {
    for (const std::uint64_t word : words) {
      if (word != words[0]) return false;
    }
    return true;
  }
};

}  // namespace support
