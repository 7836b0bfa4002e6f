// People: users and processes as they are called, and which of them have a segment attached.
// SPDX-License-Identifier: MIT
#pragma once

#include <ctime>
#include <map>
#include <string>
#include <vector>

namespace tool {

/// The user's name; the number where it has none.
std::string user_name(unsigned user);

/// "123 (sampler)"; "?" for 0, a process of another container.
std::string process_title(int process);

/// Whether that process runs the one that runs … this one.
bool is_ancestor(int process);

/// Since when it has been running; 0: unknown.
std::time_t started(int process);

/// "123 (sampler), running for 3 min": when a lock was taken is recorded nowhere.
std::string holder_title(int process);

struct attached_process {
  int process = 0;
  std::string command;
  bool may_write = false;
  unsigned long attachments = 1;
};

using attached_by_id = std::map<int, std::vector<attached_process>>;

/// By segment id. Of other users' processes only root is told.
attached_by_id attached_processes();

/// "12 (sampler), 34 (shm)", "nobody"; and how many of the `attached` are not told of.
std::string attached_words(const attached_by_id& known, int segment_id, unsigned long attached);

/// "3 min", "2 days"
std::string age(std::time_t since);

/// "1.5 KiB"
std::string bytes_in_words(unsigned long long bytes);

}  // namespace tool
