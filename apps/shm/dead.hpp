// Dead: objects that nobody can be using any more, each with the reason.
// SPDX-License-Identifier: MIT
#pragma once

#include <shm.hpp>
#include <string>
#include <vector>

namespace tool {

struct dead_object {
  shm::key key;
  std::string title;
  std::string why;
};

/// As they look now; shm::remove_if_dead() judges again, inside the door.
std::vector<dead_object> dead_objects();

}  // namespace tool
