// Names: where every test gets the names of its objects, so that what is left behind can be told.
// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <shm.hpp>
#include <string>
#include <vector>

namespace support {

class names {
 public:
  static std::string next() {
    std::string name = "test." + std::to_string(::getpid()) + "." + std::to_string(given().size());
    given().push_back(name);
    return name;
  }

  /// Every name whose segment or semaphore set still exists, and is removed now.
  static std::vector<std::string> take_leftovers() {
    std::vector<std::string> left;
    for (const std::string& name : given()) {
      const shm::key key(name);
      const auto segment = shm::detail::segment::find(key.segment_key());
      const auto set = shm::detail::semaphore_set::find(key.set_key());
      if (segment.ok()) static_cast<void>(segment.value.remove());
      if (set.ok()) static_cast<void>(set.value.remove());
      if (segment.ok() || set.ok()) left.push_back(name);
    }
    given().clear();
    return left;
  }

 private:
  static std::vector<std::string>& given() {
    static std::vector<std::string> names;
    return names;
  }
};

/// An object's name for the length of a test, which removes whatever goes by it at the end.
class name {
 public:
  name() : text_(names::next()) {}
  name(const name&) = delete;
  name& operator=(const name&) = delete;
  ~name() {
    try {
      shm::remove(text_, shm::force);
    } catch (const shm::error& problem) {
      std::fprintf(stderr, "%s\n", problem.what());  // the leak listener fails the run
    }
  }

  operator shm::key() const { return text_; }
  const std::string& text() const { return text_; }
  shm::key key() const { return text_; }

 private:
  std::string text_;
};

}  // namespace support
