// Full screen: the terminal while something is watched, and as it was before when that ends.
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
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
      single.c_cc[VSUSP] = _POSIX_VDISABLE;  // the shell would get this screen
      ::tcsetattr(STDIN_FILENO, TCSANOW, &single);
    }
    fmt::print("\x1b[?1049h\x1b[?25l");
    std::fflush(stdout);
  }
  full_screen(const full_screen&) = delete;
  full_screen& operator=(const full_screen&) = delete;
  ~full_screen() {
    std::fputs("\x1b[?25h\x1b[?1049l", stdout);  // no fmt::print, which throws when nobody is there
    std::fflush(stdout);
    if (has_keys_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }

  bool has_keys() const noexcept { return has_keys_; }

 private:
  termios before_{};
  bool has_keys_ = false;
};

}  // namespace tool
