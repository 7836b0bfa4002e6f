// Threads and fork: one handle for all threads, and for the child.
// SPDX-License-Identifier: MIT
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "telemetry.hpp"

bool threads() {
  // [sample]
  shm::object<telemetry> car{"sample.car"};  // one handle for the whole process
  std::thread shifting{[&car] { car.update([](telemetry& t) { t.gear += 1; }); }};
  car.update([](telemetry& t) { t.speed += 10; });
  shifting.join();
  // [/sample]
  return car.load().gear == 1 && car.load().speed == 10;
}

bool forking() {
  // [sample]
  shm::object<telemetry> car{shm::key::anonymous()};  // for this process and its children
  const pid_t child = ::fork();
  if (child == 0) {
    car.update([](telemetry& t) { t.gear = 3; });  // the inherited handle just works
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  // [/sample]
  return car.load().gear == 3;
}

int main() {
  const bool right = threads() && forking();
  shm::remove("sample.car");
  return right ? 0 : 1;
}
