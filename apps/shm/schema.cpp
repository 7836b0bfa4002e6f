// schema: which fields a value has, where they lie, and the text that describes them.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "columns.hpp"
#include "commands.hpp"
#include "objects.hpp"
#include "readable.hpp"
#include "terminal.hpp"
#include "words.hpp"

namespace tool {

namespace {

/// A struct in an array once, not once for each element.
void add_lines(const shm::field& one, std::uint64_t start, unsigned depth, std::vector<row>& into) {
  for (const shm::field& member : one.members) {
    into.push_back({std::string(2 * depth, ' ') + member.name, member.type_in_words(),
                    fmt::format("{}", start + member.offset),
                    fmt::format("{}", member.size * member.count())});
    add_lines(member, start + member.offset, depth + 1, into);
  }
}

}  // namespace

exit_code schema(const std::string& name) {
  const shm::const_any_object from = look_at(name);
  fmt::print("{}  {}, {} bytes aligned to {}\n", readable(from.name()), word_for(from.kind()),
             from.type().size(), from.type().alignment());
  if (from.kind() == shm::object_kind::mutex) return done;
  if (from.kind() == shm::object_kind::array) {
    fmt::print("{} elements of {} bytes\n", from.size(), from.element_size());
  }
  if (from.kind() == shm::object_kind::map) {
    fmt::print("at most {} entries, each in a slot of {} bytes\n", from.size(),
               from.element_size());
  }
  std::vector<row> rows{{"FIELD", "TYPE", "BYTE", "SIZE"}};
  const shm::field& value = from.value();
  if (value.members.empty() || !value.dimensions.empty()) {
    rows.push_back(
        {"value", value.type_in_words(), "0", fmt::format("{}", value.size * value.count())});
  }
  add_lines(value, 0, 0, rows);
  fmt::print("{}format  {}\n", table(rows), shm::detail::printable(from.type().format(), 4096));
  return done;
}

}  // namespace tool
