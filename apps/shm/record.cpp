// Record: a CSV file with a line for each change of what is watched, over many runs.
// SPDX-License-Identifier: MIT
#include "record.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "exit_code.hpp"
#include "readable.hpp"
#include "value_text.hpp"

namespace tool {

namespace {

std::string csv_line(const std::vector<std::string>& cells) {
  std::vector<std::string> quoted_cells;
  for (const std::string& one : cells) quoted_cells.push_back(csv_quoted(one));
  return fmt::format("{}", fmt::join(quoted_cells, ","));
}

void check(const std::ios& file, const std::string& name, const char* what) {
  if (file) return;
  throw refusal(refused, fmt::format("{} cannot be {}: {}", readable(name), what,
                                     std::generic_category().message(errno)));
}

/// A pipe holds nothing that could be continued.
bool holds_lines(const std::string& name) {
  std::error_code unknown;
  return std::filesystem::is_regular_file(name, unknown) &&
         std::filesystem::file_size(name, unknown) > 0;
}

/// What has to be written before its next line: "" unless a full disk has cut its last one off.
std::string continuation_of(const std::string& name, const std::string& head) {
  std::ifstream before(name);
  check(before, name, "read");
  std::string first;
  std::getline(before, first);
  if (first != head) {
    throw refusal(wrong_usage, fmt::format("{} has other columns, so it is left as it is; record "
                                           "these fields in another file",
                                           readable(name)));
  }
  before.clear();
  before.seekg(-1, std::ios::end);
  const bool ends_with_line = before.get() == '\n';
  check(before, name, "read");
  return ends_with_line ? "" : "\n";
}

}  // namespace

record::record(const std::string& file, const std::vector<std::string>& columns) : name_(file) {
  if (file.empty()) return;
  const std::string head = csv_line(columns);
  const std::string start = holds_lines(file) ? continuation_of(file, head) : head + '\n';
  to_.open(file, std::ios::app);
  check(to_, name_, "opened");
  to_ << start << std::flush;
  check(to_, name_, "written");
}

void record::line(const std::vector<std::string>& cells) {
  if (name_.empty()) return;
  to_ << csv_line(cells) << std::endl;
  check(to_, name_, "written");
}

}  // namespace tool
