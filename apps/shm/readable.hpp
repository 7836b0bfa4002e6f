// Readable: text of unknown origin as people read it, with nothing in it that a terminal obeys.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tool {

struct character {
  std::size_t bytes = 0;
  char32_t code = 0;
};

/// The one that a text starts with; no bytes where that is no UTF-8.
character first_character(std::string_view text) noexcept;

/// UTF-8 as it is. As \xNN: what is none, controls, ends of lines, and what turns the direction of
/// writing. "…" where it was cut.
std::string readable(std::string_view text, std::size_t most_bytes = std::string_view::npos);

/// Inside such quotes; these and backslashes are escaped, too.
std::string quoted(std::string_view text, char quote);

}  // namespace tool
