// Trend: the last few values of a number, drawn in one line; and how often something is updated.
// SPDX-License-Identifier: MIT
#include "trend.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace tool {

std::string sparkline(const std::deque<double>& values) {
  constexpr std::array<const char*, 8> heights{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (values.empty()) return "";
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double span = *most - *least;
  std::string line;
  for (const double one : values) {
    const double share = span > 0 && std::isfinite(span) ? (one - *least) / span : 0;
    line += heights[static_cast<std::size_t>(share * (heights.size() - 1) + 0.5)];
  }
  return line;
}

void remember(std::deque<double>& values, double next) {
  constexpr std::size_t most = 24;
  if (!std::isfinite(next)) return;
  values.push_back(next);
  if (values.size() > most) values.pop_front();
}

double rate::seen(std::uint64_t version) {
  const auto now = clock::now();
  looks_.push_back({now, version});
  while (looks_.size() > 2 && now - looks_.front().when > std::chrono::seconds(3)) {
    looks_.pop_front();
  }
  const std::chrono::duration<double> span = now - looks_.front().when;
  const auto updates = static_cast<double>(version - looks_.front().version);
  return span.count() > 0 ? updates / span.count() : 0;
}

}  // namespace tool
