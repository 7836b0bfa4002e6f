// Readable: text of unknown origin as people read it, with nothing in it that a terminal obeys.
// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <cstddef>
#include <shm.hpp>
#include <string>
#include <string_view>
#include <system_error>

namespace tool {

/// UTF-8 as it is. As \xNN: what is none, controls, ends of lines, and what turns the direction of
/// writing. "…" where it was cut.
inline std::string readable(std::string_view text,
                            std::size_t most_bytes = std::string_view::npos) {
  return shm::detail::printable(text, most_bytes);
}

/// Inside such quotes; these and backslashes are escaped, too.
inline std::string quoted(std::string_view text, char quote) {
  return quote + shm::detail::printable(text, text.npos, quote) + quote;
}

/// What stands behind a \ in quotes: the byte of x1b, or the character itself. Moves `at` to the
/// last character that was read.
inline char character_behind(std::string_view text, std::size_t& at) {
  unsigned byte = 0;
  const char* const digits = text.data() + at + 1;
  if (text[at] != 'x' || text.size() < at + 3) return text[at];
  const auto [end, problem] = std::from_chars(digits, digits + 2, byte, 16);
  if (problem != std::errc() || end != digits + 2) return text[at];
  at += 2;
  return static_cast<char>(byte);
}

}  // namespace tool
