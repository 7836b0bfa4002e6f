// Printable: text of unknown origin, bounded and escaped before a person's terminal sees it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace shm::detail {

/// At most `limit` bytes of the text; whatever is not printable ASCII as \xNN; "…" where it was
/// cut.
inline std::string printable(std::string_view bytes, std::size_t limit) {
  std::string text;
  for (const char c : bytes.substr(0, limit)) {
    const auto code = static_cast<unsigned char>(c);
    if (code >= 0x20 && code < 0x7f) {
      text += c;
    } else {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned>(code));
      text += escaped;
    }
  }
  if (bytes.size() > limit) text += "…";
  return text;
}

}  // namespace shm::detail
