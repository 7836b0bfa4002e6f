// Columns: a value's fields one beside or below the other, each under the path by which it is set.
// SPDX-License-Identifier: MIT
#include "columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "exit_code.hpp"
#include "objects.hpp"

namespace tool {

namespace {

constexpr std::size_t most_columns = 100000;

/// What lies at `place`, with the dimensions that no index has chosen from.
shm::field remaining(const shm::field_place& place) {
  shm::field rest = *place.what;
  rest.dimensions.erase(rest.dimensions.begin(),
                        rest.dimensions.begin() + static_cast<std::ptrdiff_t>(place.dimensions));
  return rest;
}

void add_members(const shm::field_place& of, const std::string& path, unsigned depth,
                 std::vector<column>& into);

void add(const shm::field_place& place, const std::string& path, unsigned depth,
         std::vector<column>& into) {
  if (into.size() == most_columns) {
    throw refusal(wrong_usage, fmt::format("it has more than {} fields; choose with --field, or "
                                           "show it with --json or --raw",
                                           most_columns));
  }
  const bool is_structure = place.what->type == shm::field_type::structure;
  if (!is_structure) {
    into.push_back({path, place, depth, false});
    return;
  }
  if (!path.empty()) into.push_back({path, place, depth, true});
  const unsigned inside = path.empty() ? depth : depth + 1;
  if (place.is_single()) {
    add_members(place, path, inside, into);
    return;
  }
  const std::uint64_t end = place.what->dimensions[place.dimensions];
  const std::uint64_t stride = end == 0 ? 0 : remaining(place).count() / end * place.what->size;
  for (std::uint64_t i = 0; i < end; ++i) {
    add({place.what, place.offset + i * stride, place.dimensions + 1},
        fmt::format("{}[{}]", path, i), inside, into);
  }
}

void add_members(const shm::field_place& of, const std::string& path, unsigned depth,
                 std::vector<column>& into) {
  for (const shm::field& member : of.what->members) {
    add({&member, of.offset + member.offset, 0},
        path.empty() ? member.name : path + '.' + member.name, depth, into);
  }
}

}  // namespace

std::vector<column> columns_of(const shm::field& value, const std::vector<std::string>& wanted) {
  std::vector<column> all;
  if (wanted.empty()) add({&value, 0, 0}, "", 0, all);
  for (const std::string& path : wanted) add(field_named(value, path), path, 0, all);
  return all;
}

bytes_view part(const column& which, bytes_view value) {
  const shm::field rest = remaining(which.place);
  return value.subspan(static_cast<std::size_t>(which.place.offset),
                       static_cast<std::size_t>(rest.size * rest.count()));
}

std::string text_of(const column& which, bytes_view value) {
  return inline_text(remaining(which.place), part(which, value));
}

std::string csv_text_of(const column& which, bytes_view value) {
  const shm::field& what = *which.place.what;
  const bool is_text = what.type == shm::field_type::text && which.place.is_single();
  return is_text ? shm::detail::printable(text_in(part(which, value)), what.size)
                 : text_of(which, value);
}

rows rows_in(const std::string& text, std::size_t size) {
  rows which{0, size};
  if (text.empty()) return which;
  const std::size_t colon = text.find(':');
  const auto number = [&](std::size_t from, std::size_t to, std::size_t& into) {
    if (from == to) return true;
    const auto read = std::from_chars(text.data() + from, text.data() + to, into);
    return read.ec == std::errc() && read.ptr == text.data() + to;
  };
  if (colon == text.npos || !number(0, colon, which.first) ||
      !number(colon + 1, text.size(), which.end) || which.first > which.end) {
    throw refusal(wrong_usage, fmt::format("--rows {}: write FIRST:END, as in 0:20",
                                           shm::detail::printable(text, 40)));
  }
  which.end = std::min(which.end, size);
  if (which.first >= which.end) {
    throw refusal(not_found,
                  fmt::format("--rows {}: there are {} elements, 0 to {}", text, size, size - 1));
  }
  return which;
}

std::vector<std::byte> bytes_of(const shm::const_any_object& from, const rows& which) {
  if (which.first == 0 && which.end == from.size()) return from.snapshot();
  std::vector<std::byte> all;
  for (std::size_t i = which.first; i < which.end; ++i) {
    const std::vector<std::byte> one = from.load(i);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

void refuse_mutex(const std::string& name) {
  const std::string shown = shm::detail::printable(name, 64);
  throw refusal(wrong_usage, fmt::format("{0}: a mutex has no value; see: shm who {0}", shown));
}

std::string type_of(const column& which) {
  return remaining(which.place).type_in_words();
}

shm::field_place field_named(const shm::field& value, const std::string& path) {
  if (const auto found = shm::find_field(value, path)) return *found;
  std::vector<std::string> known;
  for (const column& one : columns_of(value, {})) known.push_back(one.path);
  throw refusal(not_found, fmt::format("there is no field \"{}\"{}",
                                       shm::detail::printable(path, 80), suggestion(path, known)));
}

}  // namespace tool
