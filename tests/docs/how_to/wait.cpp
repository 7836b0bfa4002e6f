// Wait: what docs/how-to/wait.md shows.
// SPDX-License-Identifier: MIT
#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <shm.hpp>
#include <thread>

#include "telemetry.hpp"

using namespace std::chrono_literals;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::atomic<int> used{0};
void use(const telemetry& t) {
  used = t.gear;
}
void brake() {
  used = -1;
}

void follow(int last) {
  // [sample]
  const shm::object<const telemetry> car("example.followed");
  for (std::uint64_t seen = car.version(); used != last;) {
    seen = car.wait(seen);  // returns at once if there was a change already
    use(car.load());
  }
  // [/sample]
}

int first_above(int gear) {
  const shm::object<const telemetry> car("example.followed");
  // [sample]
  const telemetry fast = car.wait([&](const telemetry& t) { return t.gear > gear; });
  // [/sample]
  return fast.gear;
}

void stop_when_stale() {
  // [sample]
  const shm::object<const telemetry> car("example.followed");
  auto [now, seen] = car.load_versioned();
  while (car.wait_for(20ms, seen)) {  // false: nothing was published for 20 ms
    const auto next = car.load_versioned();
    now = next.value, seen = next.version;
    use(now);
  }
  brake();
  // [/sample]
}

int in_a_loop() {
  const shm::object<const telemetry> car("example.followed");
  int reports = 0;
  // [sample]
  shm::watcher watcher;
  const std::size_t number = watcher.add(car);
  const int loop = epoll_create1(EPOLL_CLOEXEC);
  epoll_event readable{};
  readable.events = EPOLLIN;
  epoll_ctl(loop, EPOLL_CTL_ADD, watcher.fd(), &readable);

  epoll_event event{};
  while (used != 5 && epoll_wait(loop, &event, 1, -1) == 1) {
    for (const std::size_t changed : watcher.changed()) {  // makes the descriptor unreadable
      if (changed == number) use(car.load());              // so load afterwards
      ++reports;
    }
  }
  close(loop);
  // [/sample]
  return reports;
}

void hand_over() {
  shm::object<int> waiting("example.waiting");
  shm::mutex mutex("example.guarded");
  std::thread consumer([&] {
    // [sample]
    shm::unique_lock lock(mutex);
    mutex.wait(lock, [&] { return waiting.load() > 0 || mutex.owner_died(); });
    waiting.update([](int& n) { --n; });
    // [/sample]
  });
  {
    // [sample]
    const shm::scoped_lock lock(mutex);
    waiting.update([](int& n) { ++n; });
    // [/sample]
  }
  mutex.notify_all();
  consumer.join();
  require(waiting.load() == 0);
}

}  // namespace

int main() {
  {
    shm::object<telemetry> car("example.followed");
    car.store({1.0, 1});
    const auto publish_until_seen = [&](int gear, auto wait) {
      std::thread waits(wait);
      while (used != gear) car.store({1.0, gear});
      waits.join();
    };
    publish_until_seen(3, [] { follow(3); });
    car.store({1.0, 4});
    require(first_above(3) == 4);
    stop_when_stale();
    require(used == -1);
    publish_until_seen(5, [] { require(in_a_loop() > 0); });
    hand_over();
  }
  for (const char* name : {"example.followed", "example.waiting", "example.guarded"}) {
    shm::remove(name);
  }
}
