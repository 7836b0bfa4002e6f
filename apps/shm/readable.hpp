// Readable: text of unknown origin as people read it, with nothing in it that a terminal obeys.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <shm.hpp>
#include <string>
#include <string_view>

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

}  // namespace tool
