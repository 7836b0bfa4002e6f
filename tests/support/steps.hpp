// Steps: which named steps a job passes through, one after the other.
// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <map>
#include <shm.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "child.hpp"

namespace support {

/// A step, and which of its occurrences.
struct step {
  std::string name;
  int occurrence;
};

namespace steps {

inline int pipe_to_tell = -1;

inline void tell(const char* now) {
  const std::string line = std::string(now) + '\n';
  if (::write(pipe_to_tell, line.data(), line.size()) < 0) std::abort();
}

}  // namespace steps

/// For programs that are built with SHM_CRASH_POINTS. Runs the job in a process of its own; what it
/// throws and how it ends does not matter.
template <class Job>
std::vector<step> steps_of(Job job) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::system_error(errno, std::system_category(), "pipe");
  child walker([&] {
    ::close(ends[0]);
    steps::pipe_to_tell = ends[1];
    shm::detail::crash_point_hook = steps::tell;
    try {
      job();
    } catch (const shm::error&) {
      // A refusal takes steps, too.
    }
    return 0;
  });
  ::close(ends[1]);
  std::string all, text(4096, '\0');
  for (ssize_t got; (got = ::read(ends[0], text.data(), text.size())) > 0;) {
    all.append(text.data(), static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  static_cast<void>(walker.wait());
  std::vector<step> passed;
  std::map<std::string, int> occurrences;
  std::istringstream lines(all);
  for (std::string line; std::getline(lines, line);) passed.push_back({line, ++occurrences[line]});
  return passed;
}

}  // namespace support
