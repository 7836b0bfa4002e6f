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

/// A person's terminal gets it: lines of printable ASCII, and the mark of an omission.
bool is_readable(std::string_view text) {
  constexpr std::string_view omission = "…";
  while (!text.empty()) {
    if (text.substr(0, omission.size()) == omission) {
      text.remove_prefix(omission.size());
      continue;
    }
    if (text.front() != '\n' && (text.front() < 0x20 || text.front() > 0x7e)) return false;
    text.remove_prefix(1);
  }
  return true;
}

/// Everything inside its struct, nothing of size 0, and found again under its path.
void check_field(const shm::field& one, const shm::field& whole, const std::string& path) {
  require(one.size != 0, "elements of a size that is not 0");
  require(is_readable(one.name) && is_readable(one.type_in_words()), "a readable field");
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

void check_parsed(std::string_view format) {
  constexpr std::uint64_t largest = std::uint64_t{1} << 48;
  const auto parsed = shm::detail::format_parser::parse(format);
  if (!parsed) return;
  const std::uint64_t size = parsed->value.size * parsed->value.count();
  require(size != 0 && parsed->elements.value_or(1) <= largest / size, "a size that fits");
  check_field(parsed->value, parsed->value, "");
}

void check_difference(const shm::schema& stored, const shm::schema& ours) {
  const std::string text = shm::detail::schema_difference::describe(stored, ours);
  require(is_readable(text), "a readable difference");
  require(text.size() <= 8192, "a short difference");
}

}  // namespace

/// Two formats, one a line: the stored one and a program's own.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const std::size_t end = std::min(text.find('\n'), size);
  const shm::schema stored(text.substr(0, end), size, 8);
  const shm::schema other(text.substr(std::min(end + 1, size)), 8, size);
  check_parsed(stored.format());
  check_parsed(other.format());
  // The one as a path into what the other describes.
  if (const auto parsed = shm::detail::format_parser::parse(stored.format())) {
    const auto found = shm::find_field(parsed->value, other.format());
    require(!found || found->offset <= parsed->value.size * parsed->value.count(),
            "a place inside");
  }
  check_difference(stored, other);
  check_difference(stored, shm::schema_of<every_kind>());
  return 0;
}
