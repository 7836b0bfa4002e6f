// Rows: which elements are looked at; and a look, their bytes with the version that these are of.
// SPDX-License-Identifier: MIT
#include "rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "exit_code.hpp"
#include "readable.hpp"

namespace tool {

namespace {

/// load_one(i) of all these.
template <class Load>
std::vector<std::byte> one_by_one(const rows& which, std::size_t element_size, Load load_one) {
  std::vector<std::byte> all;
  all.reserve((which.end - which.first) * element_size);
  for (std::size_t i = which.first; i < which.end; ++i) {
    const std::vector<std::byte> one = load_one(i);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

std::vector<std::byte> bytes_of(const shm::const_any_object& from, const rows& which) {
  if (!which.are_chosen) return from.snapshot();
  return one_by_one(which, from.element_size(), [&](std::size_t i) { return from.load(i); });
}

/// False where it is no number; nothing where nothing is written.
bool read_number(const std::string& text, std::optional<std::size_t>& into) {
  if (text.empty()) return true;
  std::size_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  into = number;
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

}  // namespace

rows rows_in(const std::string& text, std::size_t size) {
  if (text.empty()) return {0, size, false};
  const std::size_t colon = text.find(':');
  std::optional<std::size_t> first;
  std::optional<std::size_t> end;
  if (colon == text.npos || !read_number(text.substr(0, colon), first) ||
      !read_number(text.substr(colon + 1), end) || (end && first.value_or(0) >= *end)) {
    throw refusal(wrong_usage, fmt::format("--rows {}: write FIRST:END, as in 0:20; END is not "
                                           "one of them",
                                           readable(text, 40)));
  }
  const rows which{first.value_or(0), std::min(end.value_or(size), size), true};
  if (which.first >= which.end) {
    throw refusal(not_found, fmt::format("--rows {}: there are {} elements, 0 to {}",
                                         readable(text, 40), size, size - 1));
  }
  return which;
}

sample take_damaged_sample(const shm::const_any_object& from, const rows& which) {
  const std::uint64_t version = from.version();
  const auto load = [&](std::size_t i) { return from.load_damaged(i); };
  return {one_by_one(which, from.element_size(), load), version, false};
}

sample take_sample(const shm::const_any_object& from, const rows& which,
                   std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const std::uint64_t before = from.version();
    std::vector<std::byte> bytes = bytes_of(from, which);
    const bool is_of_version = from.version() == before;
    if (is_of_version || std::chrono::steady_clock::now() >= until) {
      return {std::move(bytes), before, is_of_version};
    }
  }
}

}  // namespace tool
