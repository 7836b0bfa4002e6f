// Terminal: colours where a person looks and has not asked for none, and columns.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace tool {

/// Standard output is a terminal that can be drawn on, as TERM tells.
bool has_screen();
/// And NO_COLOR is not set.
bool has_colours();

enum class style { plain, strong, dim, alarming, changed };
std::string styled(const std::string& text, style how);

/// Throws refusal when standard output takes no more: a full disk must not look like silence.
void flush_output();

using row = std::vector<std::string>;

/// How wide each column has to be.
class column_widths {
 public:
  void widen(const row& one);
  std::string line(const row& one) const;

 private:
  std::vector<std::size_t> widths_;
};

/// Columns as wide as their widest cell, two spaces between them; the first row is the head.
std::string table(const std::vector<row>& rows);

/// As much of a line as fits; escape sequences take no column.
std::string cut(const std::string& line, std::size_t columns);

/// How many columns a text in UTF-8 takes, without escape sequences.
std::size_t width(const std::string& text);

}  // namespace tool
