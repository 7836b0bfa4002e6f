// Target: one field of an object, of an array's element or of a map's entry, as people name it.
// SPDX-License-Identifier: MIT
#include "target.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "entries.hpp"
#include "exit_code.hpp"
#include "readable.hpp"

namespace tool {

namespace {

/// [3].gear: 3, and leaves gear.
std::size_t take_index(std::size_t size, std::string& path) {
  std::string_view rest = path;
  const bool has_index = !path.empty() && path[0] == '[';
  const auto index = has_index ? shm::detail::take_index(rest, size) : std::nullopt;
  if (!index) {
    throw refusal(has_index ? not_found : wrong_usage,
                  fmt::format("{}: this is an array; say which element, from [0] to [{}], as in "
                              "[0].FIELD",
                              readable(path, 80), size - 1));
  }
  if (!rest.empty() && rest[0] != '.' && rest[0] != '[') {
    throw refusal(wrong_usage, fmt::format("{}: write [{}].FIELD", readable(path, 80), *index));
  }
  path = rest.substr(!rest.empty() && rest[0] == '.' ? 1 : 0);
  return static_cast<std::size_t>(*index);
}

}  // namespace

target target_named(const shm::const_any_object& of, const std::string& typed) {
  target named;
  std::string path = typed;
  if (of.kind() == shm::object_kind::array) named.element = take_index(of.size(), path);
  if (of.kind() == shm::object_kind::map) named.key = take_key(key_of(of), path);
  named.where = {path.empty() ? "value" : readable(path), field_named(value_with_targets(of), path),
                 0, false};
  return named;
}

const shm::field& value_with_targets(const shm::const_any_object& of) {
  return of.kind() == shm::object_kind::map ? value_of(of) : of.value();
}

std::optional<std::vector<std::byte>> bytes_at(const shm::const_any_object& from,
                                               const target& what) {
  std::vector<std::byte> bytes;
  if (from.kind() == shm::object_kind::map) {
    const auto entry = from.find(what.key);
    if (!entry) return std::nullopt;
    const bytes_view value = part_of_entry(value_of(from), *entry);
    bytes.assign(value.begin(), value.end());
  } else {
    bytes = from.load(what.element);
  }
  if (!absence_of(value_with_targets(from), what.where.path, bytes).empty()) return std::nullopt;
  return bytes;
}

}  // namespace tool
