// Count: four processes add to one number under a mutex, and none of the additions is lost.
// SPDX-License-Identifier: MIT
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <shm.hpp>
#include <string>

int main(int argc, char** argv) try {
  constexpr int processes = 4, additions = 50000;
  const std::string name = argc > 1 ? argv[1] : "example.count";
  {
    shm::mutex mutex{name + ".mutex"};
    shm::array<long, 1> counter{name};
    for (int i = 0; i < processes; ++i) {
      const pid_t child = ::fork();
      if (child == -1) return std::perror("fork"), 1;
      if (child != 0) continue;
      for (int n = 0; n < additions; ++n) {
        const shm::scoped_lock lock{mutex};
        // Two steps, which only the mutex holds together.
        const long before = counter.load(0);
        counter.store(0, before + 1);
      }
      ::_exit(0);
    }
    while (::wait(nullptr) > 0) {
    }
    std::printf("%d processes x %d additions = %ld\n", processes, additions, counter.load(0));
  }
  shm::remove(name);
  shm::remove(name + ".mutex");
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
