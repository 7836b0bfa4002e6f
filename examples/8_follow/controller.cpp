// Controller: obeys each command as soon as it comes, and halts the motor when none comes any more.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "motor.hpp"

int main() try {
  using namespace std::chrono;
  const shm::object<command> wanted{"example.command"};
  auto [now, seen] = wanted.load_versioned();
  // Made last: the operator sends nothing before it is there.
  shm::object<status> motor{"example.motor"};
  std::vector<nanoseconds> reactions;
  while (!now.stop) {
    if (wanted.wait_for(milliseconds(100), seen)) {
      const auto next = wanted.load_versioned();
      now = next.value, seen = next.version;
      reactions.push_back(steady_clock::now() - now.sent);
      motor.store({now.number, now.speed});
    } else {
      motor.update([](status& s) { s.speed = 0; });  // the operator is silent, or dead
    }
  }
  const auto median = reactions.begin() + static_cast<std::ptrdiff_t>(reactions.size() / 2);
  std::nth_element(reactions.begin(), median, reactions.end());
  std::printf("reaction: median %lld us\n",
              static_cast<long long>(duration_cast<microseconds>(*median).count()));
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
