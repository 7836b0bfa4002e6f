// Terminal: colours where a person looks and has not asked for none, and columns.
// SPDX-License-Identifier: MIT
#include "terminal.hpp"

#include <locale.h>
#include <unistd.h>
#include <wchar.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "exit_code.hpp"
#include "readable.hpp"

namespace tool {

bool has_screen() {
  const char* const term = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

bool has_colours() {
  const char* const refused = std::getenv("NO_COLOR");
  return has_screen() && (refused == nullptr || *refused == '\0');
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

/// Two of a Chinese character, none of an accent; one where this machine does not know.
std::size_t columns_of(char32_t code) {
  if (code < 0x80) return 1;
  static const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", locale_t{});
  if (utf8 == locale_t{}) return 1;
  const locale_t before = ::uselocale(utf8);
  const int columns = ::wcwidth(static_cast<wchar_t>(code));
  ::uselocale(before);
  return columns < 0 ? 1 : static_cast<std::size_t>(columns);
}

extent measure(std::string_view text, std::size_t most_columns) {
  extent seen;
  bool escaped = false;
  while (seen.bytes < text.size()) {
    const shm::detail::utf8_character next = shm::detail::first_character(text.substr(seen.bytes));
    if (next.code == '\x1b') escaped = true;
    const std::size_t columns = escaped ? 0 : columns_of(next.code);
    if (seen.columns + columns > most_columns) break;
    if (escaped && next.code == 'm') escaped = false;
    seen.columns += columns;
    seen.bytes += std::max<std::size_t>(next.bytes, 1);
  }
  return seen;
}

}  // namespace

std::string cut(const std::string& line, std::size_t columns) {
  return line.substr(0, measure(line, columns).bytes);
}

std::size_t width(const std::string& text) {
  return measure(text, 2 * text.size()).columns;
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
