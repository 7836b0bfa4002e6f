// Semaphore: what docs/how-to/semaphore.md shows.
// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <shm.hpp>
#include <utility>
#include <vector>

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void send() {}

int upload() {
  // [sample]
  shm::semaphore uploads("example.uploads", 3);  // opens it, or creates it with 3 permits
  const shm::permit one = uploads.acquire();     // blocks while 3 are held, over all processes
  send();
  // [/sample]
  return static_cast<int>(uploads.available());
}

bool upload_in_time(shm::semaphore& uploads) {
  // [sample]
  if (std::optional<shm::permit> one = uploads.try_acquire_for(std::chrono::seconds(2))) {
    send();
    one->release();  // early; else at the end of its scope
    return true;
  }
  std::puts("busy: 3 uploads are running");
  return false;
  // [/sample]
}

class job {
 public:
  // [sample]
  explicit job(shm::permit&& slot) : slot_(std::move(slot)) {}
  // [/sample]

 private:
  shm::permit slot_;
};

}  // namespace

int main() {
  require(upload() == 2);
  {
    shm::semaphore uploads("example.uploads", 3);
    require(upload_in_time(uploads));
    std::vector<job> jobs;
    while (auto slot = uploads.try_acquire()) jobs.emplace_back(std::move(*slot));
    require(jobs.size() == 3 && uploads.available() == 0);
    jobs.clear();
    require(uploads.available() == 3);
  }
  shm::remove("example.uploads");
}
