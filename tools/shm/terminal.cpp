// Terminal: colours where a person looks and has not asked for none, and columns.
// SPDX-License-Identifier: MIT
#include "terminal.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "exit_code.hpp"

namespace tool {

bool has_colours() {
  const char* const refused = std::getenv("NO_COLOR");
  const char* const term = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && (refused == nullptr || *refused == '\0') &&
         term != nullptr && std::string_view(term) != "dumb";
}

std::string styled(const std::string& text, style how) {
  if (how == style::plain || !has_colours()) return text;
  const char* const codes[] = {"0", "1", "2", "1;31", "1;33"};
  return std::string("\x1b[") + codes[static_cast<int>(how)] + 'm' + text + "\x1b[0m";
}

void flush_output() {
  if (std::fflush(stdout) != 0) throw refusal(refused, "standard output takes no more");
}

namespace {

/// Where the columns end; and how many there are before that.
struct extent {
  std::size_t bytes = 0;
  std::size_t columns = 0;
};

extent measure(const std::string& text, std::size_t most_columns) {
  extent seen;
  bool escaped = false;
  for (const char c : text) {
    if (c == '\x1b') escaped = true;
    const bool continues = (static_cast<unsigned char>(c) & 0xc0) == 0x80;
    if (!escaped && !continues && seen.columns == most_columns) break;
    if (!escaped && !continues) ++seen.columns;
    if (escaped && c == 'm') escaped = false;
    ++seen.bytes;
  }
  return seen;
}

}  // namespace

std::string cut(const std::string& line, std::size_t columns) {
  return line.substr(0, measure(line, columns).bytes);
}

std::size_t width(const std::string& text) {
  return measure(text, text.size()).columns;
}

void column_widths::widen(const row& one) {
  widths_.resize(std::max(widths_.size(), one.size()));
  for (std::size_t c = 0; c < one.size(); ++c) widths_[c] = std::max(widths_[c], width(one[c]));
}

std::string column_widths::line(const row& one) const {
  std::string text;
  for (std::size_t c = 0; c < one.size(); ++c) {
    if (c != 0) text.append(widths_[c - 1] - width(one[c - 1]) + 2, ' ');
    text += one[c];
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string table(const std::vector<row>& rows) {
  column_widths widths;
  for (const row& one : rows) widths.widen(one);
  std::string text;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    text += styled(widths.line(rows[r]), r == 0 ? style::strong : style::plain) + '\n';
  }
  return text;
}

}  // namespace tool
