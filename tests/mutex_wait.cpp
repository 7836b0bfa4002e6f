// Mutex wait: a condition on a mutex, beside notifications, timeouts, removals and deaths.
// SPDX-License-Identifier: MIT
#include <chrono>
#include <optional>
#include <shm.hpp>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/asleep.hpp"
#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/shared_page.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;
using support::child;

TEST_CASE("a thread that waits on a mutex is woken by notify_all, and holds the lock again") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex mutex(name);
  const support::shared_page<int> items;
  std::vector<child> consumers;
  for (int i = 0; i < 3; ++i) {
    consumers.emplace_back([&] {
      const support::watchdog own_watchdog;
      shm::mutex theirs(name);
      shm::unique_lock lock(theirs);
      theirs.wait(lock, [&] { return *items > 0; });
      --*items;
      return lock.owns_lock() && !theirs.try_lock() ? 0 : 1;
    });
  }
  for (const child& one : consumers) support::await_waiting(one);
  {
    const shm::scoped_lock lock(mutex);
    *items = 3;
  }
  mutex.notify_all();
  for (child& one : consumers) CHECK(one.wait() == 0);
  CHECK(*items == 0);
}

TEST_CASE("a predicate that is true already does not wait") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex mutex(name);
  shm::unique_lock lock(mutex);
  mutex.wait(lock, [] { return true; });
  CHECK(mutex.wait_for(lock, 0s, [] { return true; }));
  CHECK_FALSE(mutex.wait_for(lock, 0s, [] { return false; }));
  CHECK_FALSE(mutex.wait_for(lock, 5ms, [] { return false; }));
  CHECK(lock.owns_lock());
}

TEST_CASE("a notification while the predicate is false does not end the wait") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex mutex(name);
  const support::shared_page<int> step, asked;
  child waits([&] {
    const support::watchdog own_watchdog;
    shm::mutex theirs(name);
    shm::unique_lock lock(theirs);
    theirs.wait(lock, [&] {
      ++*asked;
      return *step == 2;
    });
    return 0;
  });
  for (int i = 1; i <= 2; ++i) {
    support::await_waiting(waits);
    {
      const shm::scoped_lock lock(mutex);
      CHECK(*asked >= i);
      *step = i;
    }
    mutex.notify_all();
  }
  CHECK(waits.wait() == 0);
}

TEST_CASE("what a predicate throws goes on, with the lock held") {
  const support::name name;
  shm::mutex mutex(name);
  shm::unique_lock lock(mutex);
  CHECK_THROWS_AS(mutex.wait(lock, []() -> bool { throw std::runtime_error("no"); }),
                  std::runtime_error);
  CHECK(lock.owns_lock());
}

TEST_CASE("the death of a holder ends the wait, and the predicate is told") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex mutex(name);
  child waits([&] {
    const support::watchdog own_watchdog;
    shm::mutex theirs(name);
    shm::unique_lock lock(theirs);
    theirs.wait(lock, [&] { return theirs.owner_died(); });
    return theirs.owner_died() ? 0 : 1;
  });
  support::await_waiting(waits);
  support::dies([&] {
    shm::mutex theirs(name);
    theirs.lock();
    support::die();
  });
  CHECK(waits.wait() == 0);
}

TEST_CASE(
    "the death of a holder is told to all that wait, even if another thread takes the lock over") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex mutex(name);
  const support::shared_page<int> items;
  std::vector<child> consumers;
  for (int i = 0; i < 3; ++i) {
    consumers.emplace_back([&] {
      const support::watchdog own_watchdog;
      shm::mutex theirs(name);
      shm::unique_lock lock(theirs);
      theirs.wait(lock, [&] { return *items > 0; });
      --*items;
      return 0;
    });
  }
  for (const child& one : consumers) support::await_waiting(one);
  support::dies([&] {
    shm::mutex theirs(name);
    theirs.lock();
    *items = 3;
    support::die();
  });
  mutex.lock();  // by a thread that does not wait
  mutex.unlock();
  for (child& one : consumers) CHECK(one.wait() == 0);
}

TEST_CASE("a forced removal ends the wait, and the lock is not held") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex mutex(name);
  child waits([&] {
    const support::watchdog own_watchdog;
    shm::mutex theirs(name);
    shm::unique_lock lock(theirs);
    const auto refusal = support::code_of([&] { theirs.wait(lock, [] { return false; }); });
    return refusal == shm::errc::removed && !lock.owns_lock() ? 0 : 1;
  });
  support::await_waiting(waits);
  shm::remove(name, shm::force);
  CHECK(waits.wait() == 0);
}

TEST_CASE("each notification counts, of several at once too") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex mutex(name);
  constexpr int threads = 4, notifications = 5000;
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i) {
    all.emplace_back([&] {
      for (int k = 0; k < notifications; ++k) mutex.notify_all();
    });
  }
  for (std::thread& one : all) one.join();
  const shm::const_any_object seen(name);
  CHECK(seen.version() == threads * notifications);
}
