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

void check_parsed(std::string_view format) {
  constexpr std::uint64_t largest = std::uint64_t{1} << 48;
  const auto parsed = shm::detail::format_parser::parse(format);
  if (!parsed) return;
  require(parsed->size <= largest, "a size that fits");
  for (const shm::detail::field& field : parsed->fields) {
    require(field.size <= parsed->size && field.offset <= parsed->size - field.size,
            "a field inside its struct");
    require(is_readable(field.path) && is_readable(field.type), "a readable field");
  }
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
  check_difference(stored, other);
  check_difference(stored, shm::schema_of<every_kind>());
  return 0;
}
