// Full screen: the terminal while something is watched, and as it was before when that ends.
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>

namespace tool {

/// Keys one by one, no cursor, a screen of its own.
class full_screen {
 public:
  full_screen() {
    has_keys_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (has_keys_) {
      termios single = before_;
      single.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
      ::tcsetattr(STDIN_FILENO, TCSANOW, &single);
    }
    fmt::print("\x1b[?1049h\x1b[?25l");
    std::fflush(stdout);
  }
  full_screen(const full_screen&) = delete;
  full_screen& operator=(const full_screen&) = delete;
  ~full_screen() {
    fmt::print("\x1b[?25h\x1b[?1049l");
    std::fflush(stdout);
    if (has_keys_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }

  bool has_keys() const noexcept { return has_keys_; }

 private:
  termios before_{};
  bool has_keys_ = false;
};

/// Waits for so long; true when q was pressed, or nobody is there any more.
inline bool quit_within(unsigned milliseconds, bool has_keys) {
  pollfd keys{STDIN_FILENO, POLLIN, 0};
  const int pressed = ::poll(&keys, has_keys ? 1 : 0, static_cast<int>(milliseconds));
  if (pressed <= 0) return false;
  char key = 0;
  return ::read(STDIN_FILENO, &key, 1) != 1 || key == 'q';
}

}  // namespace tool
