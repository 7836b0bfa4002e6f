// Printable: text of unknown origin, bounded and escaped before a person's terminal sees it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace shm::detail {

struct utf8_character {
  std::size_t bytes = 0;
  char32_t code = 0;
};

/// The character that a text begins with; of no bytes where the text is not UTF-8 or is empty.
constexpr utf8_character first_character(std::string_view text) noexcept {
  if (text.empty()) return {};
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {1, first};
  const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc0 || text.size() < bytes) return {};
  char32_t code = first & (0xffu >> (bytes + 1));
  for (const char next : text.substr(1, bytes - 1)) {
    const auto continued = static_cast<unsigned char>(next);
    if ((continued & 0xc0) != 0x80) return {};
    code = code << 6 | (continued & 0x3fu);
  }
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = 0xd800 <= code && code <= 0xdfff;
  if (first >= 0xf8 || code < least[bytes] || code > 0x10ffff || is_surrogate) return {};
  return {bytes, code};
}

/// Whether a terminal shows the character, and obeys nothing in it: no control character, end of
/// line, or change of the direction of writing.
constexpr bool is_harmless(char32_t code) noexcept {
  const auto is_in = [code](char32_t first, char32_t last) {
    return first <= code && code <= last;
  };
  const bool is_control = is_in(0, 0x1f) || is_in(0x7f, 0x9f);
  const bool ends_line = is_in(0x2028, 0x2029);
  const bool turns =
      code == 0x61c || is_in(0x200e, 0x200f) || is_in(0x202a, 0x202e) || is_in(0x2066, 0x2069);
  return !is_control && !ends_line && !turns;
}

/// Returns the text as a person may read it: harmless UTF-8 unchanged, every other byte as \xNN.
/// Cut after about `limit` bytes of the text, and then ended by "…". Within quotes, these and
/// backslashes are escaped, too.
inline std::string printable(std::string_view text, std::size_t limit = std::string_view::npos,
                             char quote = 0) {
  std::string shown;
  std::size_t at = 0;
  while (at < text.size() && at < limit) {
    const utf8_character next = first_character(text.substr(at));
    const std::string_view bytes = text.substr(at, next.bytes == 0 ? 1 : next.bytes);
    if (quote != 0 && (bytes[0] == quote || bytes[0] == '\\')) shown += '\\';
    if (next.bytes != 0 && is_harmless(next.code)) {
      shown += bytes;
    } else {
      for (const char one : bytes) {
        char escaped[8];
        std::snprintf(escaped, sizeof escaped, "\\x%02x",
                      static_cast<unsigned>(static_cast<unsigned char>(one)));
        shown += escaped;
      }
    }
    at += bytes.size();
  }
  return at < text.size() ? shown + "…" : shown;
}

}  // namespace shm::detail
