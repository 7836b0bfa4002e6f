// Watchdog: ends a test that hangs, loudly, instead of letting it hang.
// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <csignal>

namespace support {

/// One at a time; for children too, which have to set their own.
class watchdog {
 public:
  explicit watchdog(unsigned seconds = 60) {
    std::signal(SIGALRM, bite);
    ::alarm(seconds);
  }
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;
  ~watchdog() { ::alarm(0); }

 private:
  static void bite(int) {
    static constexpr char message[] = "watchdog: this test hangs\n";
    static_cast<void>(!::write(STDERR_FILENO, message, sizeof message - 1));
    ::_exit(98);
  }
};

}  // namespace support
