// People: users and processes as they are called, and which of them have a segment attached.
// SPDX-License-Identifier: MIT
#include "people.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <shm.hpp>
#include <sstream>

#include "readable.hpp"

namespace tool {

namespace {

std::string command_of(int process) {
  std::ifstream file(fmt::format("/proc/{}/comm", process));
  std::string command;
  std::getline(file, command);
  return readable(command);
}

/// What /proc tells of it behind its command, which may hold anything: state, parent, …
std::istringstream status_of(int process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string line;
  std::getline(file, line);
  return std::istringstream(line.substr(std::min(line.rfind(')'), line.size() - 1) + 1));
}

int parent_of(int process) {
  std::istringstream words = status_of(process);
  std::string state;
  int parent = 0;
  words >> state >> parent;
  return words ? parent : 0;
}

/// One line of maps: ADDRESSES PERMISSIONS OFFSET DEVICE INODE /SYSV…; the inode is the segment's
/// id.
void note_mapping(const std::string& line, int process, attached_by_id& into) {
  if (line.find(" /SYSV") == line.npos) return;
  std::array<char, 8> permissions{};
  int id = -1;
  if (std::sscanf(line.c_str(), "%*s %7s %*s %*s %d", permissions.data(), &id) != 2) return;
  const bool may_write = permissions[1] == 'w';
  std::vector<attached_process>& known = into[id];
  if (known.empty() || known.back().process != process) {
    known.push_back({process, command_of(process), may_write});
    return;
  }
  known.back().may_write |= may_write;
  ++known.back().attachments;
}

}  // namespace

std::string user_name(unsigned user) {
  const passwd* const found = ::getpwuid(user);
  return found != nullptr ? found->pw_name : fmt::format("uid {}", user);
}

std::string process_title(int process) {
  if (process == 0) return "?";
  const std::string command = command_of(process);
  return command.empty() ? fmt::format("{} (gone)", process)
                         : fmt::format("{} ({})", process, command);
}

bool is_ancestor(int process) {
  int one = ::getppid();
  while (one != process && one > 0) one = parent_of(one);
  return process != 0 && one == process;
}

std::time_t started(int process) {
  std::istringstream words = status_of(process);
  std::string word;
  for (int skipped = 0; skipped < 19; ++skipped) words >> word;  // then the start, in ticks
  double ticks = 0;
  double uptime = 0;
  if (!(words >> ticks) || !(std::ifstream("/proc/uptime") >> uptime)) return 0;
  const double age = uptime - ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return std::time(nullptr) - static_cast<std::time_t>(age);
}

std::string holder_title(int process) {
  const std::time_t since = process == 0 ? 0 : started(process);
  return process_title(process) + (since == 0 ? "" : ", running for " + age(since));
}

attached_by_id attached_processes() {
  attached_by_id found;
  std::error_code ignored;  // a process may end while we look
  // Segments of another IPC namespace have the same ids.
  const auto ours = std::filesystem::read_symlink("/proc/self/ns/ipc", ignored);
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    int process = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), process);
    if (read.ec != std::errc() || *read.ptr != '\0') continue;
    if (std::filesystem::read_symlink(entry.path() / "ns/ipc", ignored) != ours) continue;
    std::ifstream maps(entry.path() / "maps");
    for (std::string line; std::getline(maps, line);) note_mapping(line, process, found);
  }
  return found;
}

std::string attached_words(const attached_by_id& known, int segment_id, unsigned long attached) {
  if (attached == 0) return "nobody";
  const auto found = known.find(segment_id);
  if (found == known.end()) return fmt::format("{}", attached);
  std::vector<std::string> names;
  unsigned long told = 0;
  for (const attached_process& one : found->second) {
    names.push_back(fmt::format("{} ({})", one.process, one.command));
    told += one.attachments;
  }
  if (told < attached) names.push_back(fmt::format("{} more", attached - told));
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string age(std::time_t since) {
  const std::time_t now = std::time(nullptr);
  const long long seconds = now > since ? now - since : 0;
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 2 * 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 2 * 86400) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} days", seconds / 86400);
}

std::string bytes_in_words(unsigned long long bytes) {
  constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  auto number = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; number >= 1024 && unit + 1 < units.size(); ++unit) number /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", number, units[unit]);
}

}  // namespace tool
