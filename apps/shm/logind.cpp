// Logind: whether it is there, and removes the IPC objects of a user who logs out.
// SPDX-License-Identifier: MIT
#include "logind.hpp"

#include <strings.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <vector>

namespace tool {

namespace {

namespace fs = std::filesystem;

std::string trimmed(const std::string& text) {
  constexpr const char* blanks = " \t\r";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == text.npos) return "";
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// systemd's booleans; anything else leaves the setting as it was.
std::optional<bool> boolean_in(const std::string& text) {
  const auto is = [&](const char* word) { return ::strcasecmp(text.c_str(), word) == 0; };
  for (const char* word : {"1", "yes", "y", "true", "t", "on"}) {
    if (is(word)) return true;
  }
  for (const char* word : {"0", "no", "n", "false", "f", "off"}) {
    if (is(word)) return false;
  }
  return std::nullopt;
}

void read_remove_ipc(const fs::path& file, bool& setting) {
  std::ifstream from(file);
  bool in_login = false;
  for (std::string line; std::getline(from, line);) {
    line = trimmed(line);
    if (line.rfind('[', 0) == 0) in_login = line == "[Login]";
    const std::size_t equals = line.find('=');
    if (!in_login || equals == line.npos || trimmed(line.substr(0, equals)) != "RemoveIPC") {
      continue;
    }
    setting = boolean_in(trimmed(line.substr(equals + 1))).value_or(setting);
  }
}

/// In the order in which systemd reads them: the first logind.conf there is, then what is dropped
/// in by the names of the files; of two with one name that counts whose folder comes first.
std::vector<fs::path> configuration(const fs::path& root) {
  std::vector<fs::path> files;
  std::map<std::string, fs::path> dropped_in;
  std::error_code none;
  for (const char* folder : {"etc", "run", "usr/local/lib", "usr/lib", "lib"}) {
    const fs::path file = root / folder / "systemd/logind.conf";
    if (files.empty() && fs::exists(file, none)) files.push_back(file);
    for (const auto& one : fs::directory_iterator(file.string() + ".d", none)) {
      if (one.path().extension() == ".conf") {
        dropped_in.emplace(one.path().filename().string(), one.path());
      }
    }
  }
  for (const auto& one : dropped_in) files.push_back(one.second);
  return files;
}

}  // namespace

logind logind_of(const std::string& root) {
  // Its configuration may be left when it is gone, and need not be there when it is.
  const std::array<const char*, 2> programs{"usr/lib/systemd/systemd-logind",
                                            "lib/systemd/systemd-logind"};
  std::error_code none;
  const bool there = std::any_of(programs.begin(), programs.end(), [&](const char* program) {
    return fs::exists(fs::path(root) / program, none);
  });
  if (!there) return logind::absent;
  bool removes = true;  // its own default
  for (const fs::path& file : configuration(root)) read_remove_ipc(file, removes);
  return removes ? logind::removes_ipc : logind::leaves_ipc;
}

}  // namespace tool
