// Shell word: a text as it is typed for a shell that is to take it as it is.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace tool {

/// Advice is copied and pasted, and names may hold anything: "shm rm --force a$(b)" would run b.
inline std::string shell_word(const std::string& text) {
  constexpr const char* harmless =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!text.empty() && text.find_first_not_of(harmless) == text.npos) return text;
  std::string quoted = "'";
  for (const char one : text) quoted += one == '\'' ? std::string("'\\''") : std::string(1, one);
  return quoted + "'";
}

}  // namespace tool
