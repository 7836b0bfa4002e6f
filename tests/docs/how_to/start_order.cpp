// Start order: what docs/how-to/start-order.md shows.
// SPDX-License-Identifier: MIT
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <shm.hpp>

#include "telemetry.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

int watch() {
  // [sample]
  shm::options how;
  how.await_creation = std::chrono::seconds(30);
  const shm::object<const telemetry> car("example.late_car", how);  // blocks until it is there
  // [/sample]
  return car.load().gear;
}

bool is_missing() {
  shm::options how;
  how.await_creation = std::chrono::milliseconds(20);
  // [sample]
  try {
    shm::object<telemetry> car(shm::open_only, "example.late_car", how);
  } catch (const shm::error& refusal) {
    if (refusal.code() != shm::errc::not_found) throw;
    std::fprintf(stderr, "%s\n", refusal.what());  // "… waited 20 ms (options::await_creation) …"
    return true;
  }
  // [/sample]
  return false;
}

}  // namespace

int main() {
  require(is_missing());
  const pid_t watching = ::fork();
  if (watching == 0) ::_exit(watch());
  const shm::object<telemetry> car(shm::create_only, "example.late_car", {12.5, 3});
  int status = 0;
  require(::waitpid(watching, &status, 0) == watching);
  require(WIFEXITED(status) && WEXITSTATUS(status) == 3);
  shm::remove("example.late_car", shm::force);
}
