// Operator: sends commands, each when the one before was obeyed.
// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "motor.hpp"

int main(int argc, char** argv) try {
  const std::string_view what = argc > 1 ? argv[1] : "1";
  const bool stop = what == "stop";
  const int most = what == "forever" ? std::numeric_limits<int>::max() : std::atoi(what.data());
  shm::object<command> wanted{"example.command"};
  shm::options how;
  how.await_creation = std::chrono::seconds(10);  // the controller may come later
  const shm::object<const status> motor{"example.motor", how};
  int sent = 0;
  for (; sent < (stop ? 1 : most); ++sent) {
    const int number = wanted.load().number + 1;
    wanted.store({number, 12.5, stop, std::chrono::steady_clock::now()});
    motor.wait([number](const status& s) { return s.obeyed >= number; });
  }
  std::printf("%d obeyed\n", sent);
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
