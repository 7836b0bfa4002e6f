// Watchdog: ends a test that hangs, loudly, instead of letting it hang.
// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace support {

/// One at a time; for children too, which have to set their own. Where everything is slow (under an
/// emulator, say), SHM_TEST_PATIENCE multiplies the time.
class watchdog {
 public:
  explicit watchdog(unsigned seconds = 60) {
    std::signal(SIGALRM, bite);
    const char* const patience = std::getenv("SHM_TEST_PATIENCE");
    ::alarm(patience == nullptr ? seconds : seconds * static_cast<unsigned>(std::atoi(patience)));
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
