// Await creation: creators and waiting processes die at each step; what is opened is whole.
// SPDX-License-Identifier: MIT
#include <sched.h>
#include <sys/sem.h>

#include <atomic>
#include <chrono>
#include <shm.hpp>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/held_process.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/shared_page.hpp"
#include "support/steps.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using value = support::uniform<40>;

namespace {

shm::options awaiting(std::chrono::milliseconds span) {
  shm::options how;
  how.await_creation = span;
  return how;
}

/// A process that waits for an object, and counts how often it looks.
class waiter {
 public:
  waiter(const shm::key& key, bool only_reads, const shm::options& how)
      : process_([this, &key, only_reads, how] {
          const support::watchdog own_watchdog;
          const support::at_step counts("await: looked", [this] { ++*looks_; });
          const value seen = only_reads ? shm::object<const value>(key, how).load()
                                        : shm::object<value>(shm::open_only, key, how).load();
          return seen.is_whole() ? static_cast<int>(seen.value()) : 90;
        }) {}

  /// Blocks until it has looked so many times more, or has ended.
  void await_looks(unsigned more) {
    const unsigned enough = *looks_ + more;
    while (*looks_ < enough && process_.is_alive()) ::sched_yield();
  }
  bool is_alive() const { return process_.is_alive(); }
  /// The value that it read.
  int wait() { return process_.wait(); }

 private:
  support::shared_page<std::atomic<unsigned>> looks_;
  support::child process_;
};

int create(const shm::key& key) {
  shm::object<value> one(shm::open_or_create, key, value::of(7));
  return 0;
}

pid_t victim = 0;
int steps_left = -1;
void die_at_step(const char*) {
  if (::getpid() == victim && steps_left-- == 0) support::die();
}

}  // namespace

TEST_CASE("handles that wait get the whole object, at whichever step its first creator is killed") {
  const auto steps = support::steps_of([] {
    const support::name name;
    create(name);
  });
  REQUIRE(steps.size() > 15);
  int kills = 0;
  for (const support::step& step : steps) {
    INFO(step.name << ", occurrence " << step.occurrence);
    const support::watchdog watchdog(60);
    const support::name name;
    const shm::key key = name;
    using namespace std::chrono_literals;
    waiter reader(key, true, awaiting(1h)), writer(key, false, awaiting(1h));
    reader.await_looks(1);
    writer.await_looks(1);
    support::held_process creating(
        step.name.c_str(), [&] { return create(key); }, step.occurrence);
    if (!creating.comes_there()) continue;
    creating.kill();
    reader.await_looks(2);
    writer.await_looks(2);
    create(key);
    CHECK(reader.wait() == 7);
    CHECK(writer.wait() == 7);
    ++kills;
  }
  CHECK(kills > 15);
}

TEST_CASE("a handle that is killed at any step of its wait harms nobody") {
  int kills = 0;
  for (const bool only_reads : {false, true}) {
    for (const bool is_there : {false, true}) {
      for (int step = 0;; ++step) {
        CAPTURE(only_reads, is_there, step);
        const support::watchdog watchdog(60);
        const support::name name;
        if (is_there) create(name);
        support::child waiting([&] {
          const support::watchdog own_watchdog;
          victim = ::getpid();
          steps_left = step;
          crash_point_hook = die_at_step;
          const shm::options how = awaiting(std::chrono::milliseconds(3));
          const auto code = support::code_of([&] {
            only_reads ? static_cast<void>(shm::object<const value>(name, how))
                       : static_cast<void>(shm::object<value>(shm::open_only, name, how));
          });
          return (code == shm::errc::not_found) == !is_there ? 0 : 1;
        });
        const int ended = waiting.wait();
        create(name);
        CHECK(shm::object<const value>(name).load().value() == 7);
        shm::remove(name);
        if (ended != -SIGKILL) {
          CHECK(ended == 0);
          break;
        }
        ++kills;
      }
    }
  }
  CHECK(kills > 15);
}

TEST_CASE("a handle that waits looks once a millisecond at most, also at what is half-made") {
  const support::watchdog watchdog;
  using namespace std::chrono_literals;
  for (const bool is_half_made : {false, true}) {
    for (const bool only_reads : {false, true}) {
      CAPTURE(is_half_made, only_reads);
      const support::name name;
      if (is_half_made) {
        create(name);
        support::set_state(name, life_state::under_construction);
      }
      int looks = 0;
      const auto begin = std::chrono::steady_clock::now();
      {
        const support::at_step counts("await: looked", [&looks] { ++looks; });
        CHECK(support::code_of([&] {
                only_reads
                    ? static_cast<void>(shm::object<const value>(name, awaiting(50ms)))
                    : static_cast<void>(shm::object<value>(shm::open_only, name, awaiting(50ms)));
              }) == shm::errc::not_found);
      }
      const auto took = std::chrono::steady_clock::now() - begin;
      CHECK(looks > 1);
      // The last pause is as long as the time that is left.
      CHECK(looks <= took / 1ms + 1);
    }
  }
}

TEST_CASE("handles that wait leave a creator alone that has a set and no segment yet") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::key key = name;
  using namespace std::chrono_literals;
  waiter reader(key, true, awaiting(1h)), writer(key, false, awaiting(1h));
  reader.await_looks(1);
  writer.await_looks(1);
  support::held_process creating("open: set made", [&] { return create(key); });
  REQUIRE(creating.comes_there());
  const int set_id = support::set_of(key).id();
  reader.await_looks(20);
  writer.await_looks(20);
  CHECK(support::set_of(key).id() == set_id);
  CHECK(creating.finish() == 0);
  CHECK(reader.wait() == 7);
  CHECK(writer.wait() == 7);
}

TEST_CASE("the time for a creator at work begins when it is met, however long the wait before") {
  const support::watchdog watchdog;
  using namespace std::chrono_literals;
  for (const bool only_reads : {false, true}) {
    CAPTURE(only_reads);
    const support::name name;
    const shm::key key = name;
    shm::options how = awaiting(1h);
    how.open_timeout = 1s;
    waiter waiting(key, only_reads, how);
    // Longer than open_timeout: a look takes a millisecond at least.
    waiting.await_looks(1100);
    support::held_process creating("create: described", [&] { return create(key); });
    REQUIRE(creating.comes_there());
    while (::semctl(support::set_of(key).id(), semaphore::door, GETZCNT) != 1) ::sched_yield();
    CHECK(waiting.is_alive());
    CHECK(creating.finish() == 0);
    CHECK(waiting.wait() == 7);
  }
}

TEST_CASE("a creator that does not finish is timed out, not waited for as one that has not begun") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::key key = name;
  support::held_process creating("create: described", [&] { return create(key); });
  REQUIRE(creating.comes_there());
  using namespace std::chrono_literals;
  shm::options how = awaiting(1h);
  how.open_timeout = 20ms;
  CHECK(support::code_of([&] { shm::object<const value> one(name, how); }) == shm::errc::timed_out);
  CHECK(support::code_of([&] { shm::object<value>(shm::open_only, name, how); }) ==
        shm::errc::timed_out);
  CHECK(creating.finish() == 0);
}

TEST_CASE("an object that is removed and created again while somebody waits is found") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::key key = name;
  using namespace std::chrono_literals;
  create(name);
  support::held_process removing("retire: removed", [&] {
    shm::remove(key);
    return 0;
  });
  REQUIRE(removing.comes_there());
  removing.kill();
  waiter reader(key, true, awaiting(1h)), writer(key, false, awaiting(1h));
  reader.await_looks(1);
  create(key);
  CHECK(reader.wait() == 7);
  CHECK(writer.wait() == 7);
}
