// Trend: the last few values of a number, drawn in one line; and how often something is updated.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>

namespace tool {

/// Eight heights, from the smallest of them to the largest.
std::string sparkline(const std::deque<double>& values);

/// The last few values.
void remember(std::deque<double>& values, double next);

/// Updates in a second, over the last three.
class rate {
 public:
  double seen(std::uint64_t version);

 private:
  using clock = std::chrono::steady_clock;
  struct look {
    clock::time_point when;
    std::uint64_t version;
  };
  std::deque<look> looks_;
};

}  // namespace tool
