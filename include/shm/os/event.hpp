// Event: a file descriptor that is readable while it is signalled.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace shm::detail {

class event {
 public:
  /// Throws std::system_error.
  event() : descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (descriptor_ == -1) throw std::system_error(errno, std::system_category(), "shm: eventfd");
  }
  event(const event&) = delete;
  event& operator=(const event&) = delete;
  ~event() { ::close(descriptor_); }

  int descriptor() const noexcept { return descriptor_; }

  void signal() const noexcept {
    const std::uint64_t one = 1;
    // Fails only if it has been signalled 2^64 - 2 times since it was cleared: then it is readable.
    while (::write(descriptor_, &one, sizeof one) == -1 && errno == EINTR) {
    }
  }
  void clear() const noexcept {
    std::uint64_t signals = 0;
    // EAGAIN: it was not signalled.
    while (::read(descriptor_, &signals, sizeof signals) == -1 && errno == EINTR) {
    }
  }

 private:
  int descriptor_;
};

}  // namespace shm::detail
