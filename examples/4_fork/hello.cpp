// Hello: a parent writes, and its forked child reads, through an object without a name.
// SPDX-License-Identifier: MIT
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <shm.hpp>

using message = std::array<char, 64>;

int main() try {
  shm::object<message> shared{shm::key::anonymous()};
  shared.update([](message& text) {
    std::snprintf(text.data(), text.size(), "Hello from parent via shared memory");
  });
  const pid_t child = ::fork();
  if (child == -1) return std::perror("fork"), 1;
  if (child == 0) {
    std::printf("%s\n", shared.load().data());
    return 0;
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
