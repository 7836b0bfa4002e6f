// Fuzz, schema: whatever a segment calls its description, what a person reads stays readable.
// SPDX-License-Identifier: MIT
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <shm.hpp>
#include <string>
#include <string_view>

#include "support/schema_types.hpp"

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

/// A person's terminal gets it: lines of UTF-8 in which it obeys nothing.
bool is_readable(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (shm::detail::printable(line) != line) return false;
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return true;
}

/// Everything inside its struct, nothing of size 0, and found again under its path.
void check_field(const shm::field& one, const shm::field& whole, const std::string& path) {
  require(one.size != 0, "elements of a size that is not 0");
  require(!one.type_in_words().empty(), "a type in words");
  std::string first = path;
  for (std::size_t i = 0; i < one.dimensions.size(); ++i) first += "[0]";
  // Of several members of one name, or with a dot in it, a path finds another one.
  if (const auto found = shm::find_field(whole, first)) {
    require(found->offset + found->what->size <= whole.size * whole.count(), "a place inside");
  }
  for (const shm::field& member : one.members) {
    const std::uint64_t size = member.size * member.count();
    require(size <= one.size && member.offset <= one.size - size, "a field inside its struct");
    check_field(member, whole, first.empty() ? member.name : first + '.' + member.name);
  }
}

void check_parsed(const shm::schema& text) {
  constexpr std::uint64_t largest = std::uint64_t{1} << 48;
  const auto parsed = shm::detail::parse(text);
  if (!parsed) return;
  const std::uint64_t size = parsed->value.size * parsed->value.count();
  require(size != 0 && parsed->elements.value_or(1) <= largest / size, "a size that fits");
  check_field(parsed->value, parsed->value, "");
}

void check_difference(const shm::schema& stored, const shm::schema& ours) {
  const std::string text = shm::detail::schema_difference::describe(stored, ours);
  require(is_readable(text), "a readable difference");
  require(text.size() <= 65536, "a short difference");
}

}  // namespace

/// Two schemas with an empty line between them: the stored one and a program's own. Each is a
/// format and its notes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto schema_in = [&](const std::string& part, std::size_t bytes, std::size_t alignment) {
    const std::size_t end = std::min(part.find('\n'), part.size());
    return shm::schema(part.substr(0, end), bytes, alignment,
                       part.substr(std::min(end + 1, part.size())));
  };
  const std::size_t end = std::min(text.find("\n\n"), size);
  const shm::schema stored = schema_in(text.substr(0, end), size, 8);
  const shm::schema other = schema_in(text.substr(std::min(end + 2, size)), 8, size);
  check_parsed(stored);
  check_parsed(other);
  // The one as a path into what the other describes.
  if (const auto parsed = shm::detail::parse(stored)) {
    const auto found = shm::find_field(parsed->value, other.format());
    require(!found || found->offset <= parsed->value.size * parsed->value.count(),
            "a place inside");
  }
  check_difference(stored, other);
  check_difference(stored, shm::schema_of<every_kind>());
  return 0;
}
