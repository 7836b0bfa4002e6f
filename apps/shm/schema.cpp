// schema: which fields a value has, where they lie, and the text that describes them.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <cmath>

#include "columns.hpp"
#include "commands.hpp"
#include "meaning_text.hpp"
#include "objects.hpp"
#include "readable.hpp"
#include "terminal.hpp"
#include "words.hpp"

namespace tool {

namespace {

/// What the program says about a field: unit, range, enumerators and text.
std::string notes_in_words(const shm::field& one) {
  std::vector<std::string> parts;
  if (!one.unit.empty()) parts.push_back(one.unit);
  if (std::isfinite(one.least) || std::isfinite(one.most)) {
    parts.push_back(fmt::format("{} to {}", one.least, one.most));
  }
  std::vector<std::string> names;
  for (const shm::enumerator& value : one.enumerators) {
    names.push_back(fmt::format("{} {}", value.name, value.value));
  }
  if (!names.empty()) parts.push_back(fmt::format("{}", fmt::join(names, ", ")));
  if (!one.text.empty()) parts.push_back(one.text);
  return readable(fmt::format("{}", fmt::join(parts, "; ")));
}

row line_of(const std::string& name, const shm::field& one, std::uint64_t start) {
  return {name, readable(one.type_in_words()), fmt::format("{}", start),
          fmt::format("{}", one.size * one.count()), notes_in_words(one)};
}

/// A struct in an array once, not once for each element. Of what has a meaning, the members that
/// it is stored in say nothing more.
void add_lines(const shm::field& one, std::uint64_t start, unsigned depth, std::vector<row>& into) {
  const bool is_container =
      one.meaning == shm::field_meaning::optional || one.meaning == shm::field_meaning::vector;
  if (is_container) {
    const shm::field& contents = contents_of(one);
    return add_lines(contents, start + contents.offset, depth, into);
  }
  if (!is_struct(one)) return;
  for (const shm::field& member : one.members) {
    into.push_back(line_of(std::string(2 * depth, ' ') + readable(member.name), member,
                           start + member.offset));
    add_lines(member, start + member.offset, depth + 1, into);
  }
}

}  // namespace

exit_code schema(const std::string& name) {
  const shm::const_any_object from = look_at(name);
  if (from.kind() == shm::object_kind::semaphore) {
    fmt::print("{}  semaphore of {} permits\n", readable(from.name()), info_of(name).count);
    return done;
  }
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
  std::vector<row> rows{{"FIELD", "TYPE", "BYTE", "SIZE", "NOTES"}};
  const shm::field& value = from.value();
  if (!is_struct(value) || !value.dimensions.empty()) rows.push_back(line_of("value", value, 0));
  add_lines(value, 0, 0, rows);
  fmt::print("{}format  {}\n", table(rows), shm::detail::printable(from.type().format(), 4096));
  return done;
}

}  // namespace tool
