// Procfs: what the kernel tells about the machine and its processes.
// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace procfs {

struct cpu_time {
  std::uint64_t busy = 0;
  std::uint64_t total = 0;
};

inline cpu_time read_cpu_time() {
  std::ifstream file("/proc/stat");
  std::string label;
  file >> label;  // "cpu": all of them together
  cpu_time time;
  std::uint64_t ticks = 0;
  constexpr int idle = 3, waiting = 4, guest = 8;  // guest time is part of user time already
  for (int column = 0; column < guest && file >> ticks; ++column) {
    time.total += ticks;
    if (column != idle && column != waiting) time.busy += ticks;
  }
  return time;
}

struct memory {
  std::uint64_t total_kib = 0;
  std::uint64_t available_kib = 0;
};

inline memory read_memory() {
  std::ifstream file("/proc/meminfo");
  memory found;
  std::string label, unit;
  std::uint64_t kib = 0;
  while (file >> label >> kib) {
    if (label == "MemTotal:") found.total_kib = kib;
    if (label == "MemAvailable:") found.available_kib = kib;
    std::getline(file, unit);
  }
  return found;
}

struct load_average {
  double over_1 = 0, over_5 = 0, over_15 = 0;
};

inline load_average read_load_average() {
  std::ifstream file("/proc/loadavg");
  load_average average;
  file >> average.over_1 >> average.over_5 >> average.over_15;
  return average;
}

struct process {
  std::int64_t pid = 0;
  std::string command;
  std::uint64_t ticks = 0;
  std::uint64_t memory_kib = 0;
};

/// Nothing in `command` when the process ended meanwhile.
inline process read_process(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string line;
  std::getline(file, line);
  // The command stands in brackets and may itself hold brackets and spaces.
  const std::size_t open = line.find('('), close = line.rfind(')');
  process found;
  if (open == line.npos || close == line.npos) return found;
  std::istringstream rest(line.substr(close + 1));
  std::vector<std::string> fields{std::istream_iterator<std::string>(rest), {}};
  constexpr std::size_t user = 11, system = 12, resident_pages = 21;
  if (fields.size() <= resident_pages) return found;
  found.pid = std::stoll(pid);
  found.command = line.substr(open + 1, close - open - 1);
  found.ticks = std::stoull(fields[user]) + std::stoull(fields[system]);
  static const auto page_kib = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 1024;
  found.memory_kib = std::stoull(fields[resident_pages]) * page_kib;
  return found;
}

inline std::vector<process> read_processes() {
  std::vector<process> all;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (!std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; })) {
      continue;
    }
    process found = read_process(name);
    if (!found.command.empty()) all.push_back(std::move(found));
  }
  return all;
}

}  // namespace procfs
