// Waiting: for somebody's lock; after a second it is said whose.
// SPDX-License-Identifier: MIT
#include "waiting.hpp"

#include <fmt/format.h>

#include "objects.hpp"
#include "people.hpp"

namespace tool {

void warn_of_dead_holder(const std::string& name) {
  const shm::object_info now = info_of(name);
  if (!now.needs_repair) return;
  fmt::print(
      stderr,
      "shm: {0}: an earlier holder died inside, and nobody has repaired since; when it is in "
      "order: shm repaired {0}\n",
      title(now));
}

void tell_of_holder(const std::string& name) {
  const shm::object_info now = info_of(name);
  const bool runs_us = is_ancestor(now.lock_process);
  fmt::print(stderr, "shm: {}: waiting for its lock: held by {}{}\n", title(now),
             holder_title(now.lock_process),
             runs_us ? ", which runs this command: should it wait for it, that is for ever" : "");
}

void tell_of_timeout(const std::string& name, long milliseconds) {
  const shm::object_info now = info_of(name);
  fmt::print(stderr, "shm: {}: not locked within {} ms: held by {}\n", title(now), milliseconds,
             holder_title(now.lock_process));
}

}  // namespace tool
