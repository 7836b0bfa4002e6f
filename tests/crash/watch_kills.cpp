// Watch kills: publishers and waiting processes are killed at random, and no wake-up is lost.
// SPDX-License-Identifier: MIT
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <shm.hpp>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/names.hpp"
#include "support/shared_page.hpp"
#include "support/watchdog.hpp"

using support::child;

namespace {

constexpr std::size_t waiting_processes = 5;

struct account {
  std::array<std::atomic<std::uint64_t>, waiting_processes> seen{};
  std::atomic<std::uint64_t> rung_for_the_dead{0};
};

/// SHM_WATCH_SECONDS makes it longer.
std::chrono::seconds duration_of_test() {
  const char* const wanted = std::getenv("SHM_WATCH_SECONDS");
  return std::chrono::seconds(wanted == nullptr ? 3 : std::atoi(wanted));
}

/// A publisher in a loop, which is killed after a random time; processes that wait, some of them
/// read-only. Each time a publisher has died, all that wait must come to know the last version,
/// with nobody left who could wake them but each other. With crash points in the library a lost
/// wake-up is not made good by another look: the watchdog ends the test.
template <class Handle, class Reader>
class scene {
 public:
  using change = void (*)(Handle&);

  scene(const shm::key& key, change publish) : key_(key), publish_(publish), watched_(key) {
    for (std::size_t i = 0; i < waiting_processes; ++i) start(i);
  }

  void run(std::chrono::seconds duration) {
    const auto end = std::chrono::steady_clock::now() + duration;
    while (std::chrono::steady_clock::now() < end) {
      const support::watchdog watchdog(30);
      kill_one_publisher();
      if (random_() % 4 == 0) kill_one_that_waits();
      const std::uint64_t version = watched_.version();
      for (const auto& seen : said_->seen) {
        while (seen != version) pass_time(std::chrono::microseconds(1));
      }
    }
  }

  int publishers_killed() const { return publishers_killed_; }
  int waiting_killed() const { return waiting_killed_; }
  std::uint64_t rung_for_the_dead() const { return said_->rung_for_the_dead; }

 private:
  /// Only paces the killing.
  static void pass_time(std::chrono::microseconds span) {
    const auto end = std::chrono::steady_clock::now() + span;
    while (std::chrono::steady_clock::now() < end) ::sched_yield();
  }

  void start(std::size_t number) {
    said_->seen[number] = 0;
    const auto follow = [this, number](const auto& handle) {
      static std::atomic<std::uint64_t>* rung;
      rung = &said_->rung_for_the_dead;
      shm::detail::crash_point_hook = [](const char* step) {
        if (std::string_view(step) == "wait: rung for the dead") ++*rung;
      };
      for (std::uint64_t seen = 0;;) {
        seen = handle.wait(seen);
        said_->seen[number] = seen;
      }
    };
    waiting_[number].emplace([this, number, follow]() -> int {
      if (number % 2 == 0) {
        follow(Reader(key_));
      } else {
        follow(Handle(key_));
      }
      return 1;
    });
  }

  void kill_one_publisher() {
    child publisher([this]() -> int {
      Handle theirs(key_);
      for (;;) publish_(theirs);
    });
    const std::uint64_t before = watched_.version();
    while (watched_.version() == before) ::sched_yield();
    pass_time(std::chrono::microseconds(random_() % 200));
    publisher.kill();
    ++publishers_killed_;
  }

  void kill_one_that_waits() {
    const std::size_t number = random_() % waiting_processes;
    waiting_[number]->kill();
    ++waiting_killed_;
    start(number);
  }

  shm::key key_;
  change publish_;
  Handle watched_;
  support::shared_page<account> said_;
  std::array<std::optional<child>, waiting_processes> waiting_;
  std::minstd_rand random_{std::random_device{}()};
  int publishers_killed_ = 0;
  int waiting_killed_ = 0;
};

template <class Handle, class Reader>
void check_kills(const char* what, void (*publish)(Handle&)) {
  const support::name name;
  const Handle made(name);
  scene<Handle, Reader> play(name, publish);
  play.run(duration_of_test());
  std::printf("%s: %d publishers and %d waiting processes killed, %llu times rung for the dead\n",
              what, play.publishers_killed(), play.waiting_killed(),
              static_cast<unsigned long long>(play.rung_for_the_dead()));
  CHECK(play.publishers_killed() > 20);
  CHECK(play.waiting_killed() > 2);
}

}  // namespace

TEST_CASE("no wake-up is lost while publishers and waiting processes are killed at random") {
  check_kills<shm::object<int>, shm::object<const int>>(
      "object", [](shm::object<int>& object) { object.update([](int& v) { ++v; }); });
  check_kills<shm::array<int, 8>, shm::array<const int, 8>>(
      "array", [](shm::array<int, 8>& array) { array.update(3, [](int& v) { ++v; }); });
  check_kills<shm::map<int, int, 8>, shm::map<int, const int, 8>>(
      "map", [](shm::map<int, int, 8>& map) { map.insert_or_assign(1, 1); });
}
