// Baton: an event that one process passes and another waits for, without sleeping.
// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <system_error>

namespace support {

class baton {
 public:
  baton() {
    if (::pipe(ends_) == -1) throw std::system_error(errno, std::system_category(), "pipe");
  }
  /// The same as a baton that this program had before an exec.
  explicit baton(const std::string& ends) {
    if (std::sscanf(ends.c_str(), "%d,%d", &ends_[0], &ends_[1]) != 2)
      throw std::invalid_argument("no baton: " + ends);
  }
  baton(const baton&) = delete;
  baton& operator=(const baton&) = delete;
  ~baton() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  /// For a program that this process executes.
  std::string ends() const { return std::to_string(ends_[0]) + ',' + std::to_string(ends_[1]); }

  void pass() {
    if (::write(ends_[1], "x", 1) != 1)
      throw std::system_error(errno, std::system_category(), "write");
  }

  void await() {
    if (!arrives_within(60000)) throw std::runtime_error("a baton never came");
    char taken = 0;
    if (::read(ends_[0], &taken, 1) != 1)
      throw std::system_error(errno, std::system_category(), "read");
  }

  bool arrives_within(int milliseconds) {
    pollfd waiting{ends_[0], POLLIN, 0};
    return ::poll(&waiting, 1, milliseconds) == 1;
  }

 private:
  int ends_[2] = {-1, -1};
};

}  // namespace support
