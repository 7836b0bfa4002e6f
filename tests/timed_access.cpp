// Timed access: tries and deadlines of every kind of handle, and the versions that tell of changes.
// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstring>
#include <shm.hpp>
#include <stdexcept>
#include <type_traits>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;
using support::code_of;
using support::telemetry;

namespace {

/// Another process that holds the lock of an array, until the end.
class holder {
 public:
  explicit holder(const shm::key& name)
      : process_([this, name] {
          const support::watchdog own;
          shm::array<int> theirs(name);
          const auto guard = theirs.lock();
          held_.pass();
          over_.await();
          return 0;
        }) {
    held_.await();
  }
  void release() {
    over_.pass();
    CHECK(process_.wait() == 0);
  }

 private:
  support::baton held_, over_;
  support::child process_;
};

template <class Array>
void check_tries(Array& mine, const shm::key& name) {
  {
    auto guard = mine.try_lock();
    REQUIRE(guard.has_value());
    guard->store(1, 4);
    CHECK((*guard)[1] == 4);
    CHECK_FALSE(mine.try_lock().has_value());  // nor by this thread
    CHECK(code_of([&] { static_cast<void>(mine.try_lock_for(1h)); }) == shm::errc::would_deadlock);
    CHECK(code_of([&] { static_cast<void>(mine.store_for(1h, 0, 1)); }) ==
          shm::errc::would_deadlock);
  }
  const std::uint64_t before = mine.version();
  holder other(name);
  CHECK_FALSE(mine.try_lock().has_value());
  CHECK_FALSE(mine.try_lock_for(5ms).has_value());
  CHECK_FALSE(mine.try_lock_for(0ms).has_value());
  CHECK_FALSE(mine.store_for(5ms, 1, 5));
  bool was_called = false;
  CHECK_FALSE(mine.update_for(5ms, 1, [&](int&) { was_called = true; }));
  CHECK_FALSE(was_called);
  CHECK(mine.load(1) == 4);
  CHECK(mine.version() == before);
  other.release();
  CHECK(mine.try_lock_for(1h).has_value());
  CHECK(mine.store_for(1h, 1, 5));
  CHECK(mine.load(1) == 5);
  CHECK(mine.update_for(1h, 1, [](int& n) { return ++n; }));
  CHECK(mine.load(1) == 6);
  CHECK_THROWS_AS(mine.update_for(1h, 1,
                                  [](int& n) {
                                    n = 7;
                                    throw std::runtime_error("no");
                                  }),
                  std::runtime_error);
  CHECK(mine.load(1) == 6);
  CHECK(mine.version() == before + 2);
  CHECK_THROWS_AS(mine.store_for(1h, 3, 1), std::out_of_range);
}

}  // namespace

TEST_CASE("an array says not now while somebody alive holds its lock, and locks when it is free") {
  const support::watchdog watchdog;
  const support::name name;
  SECTION("of fixed length") {
    shm::array<int, 3> mine(name);
    check_tries(mine, name);
  }
  SECTION("of any length") {
    shm::array<int> mine(shm::create_only, name, 3);
    check_tries(mine, name);
  }
}

TEST_CASE("trying the lock of an array takes it over from a dead holder, and tells so") {
  const support::watchdog watchdog;
  const support::name name;
  shm::array<int, 3> numbers(name);
  const auto die_inside = [&] {
    support::dies([&] {
      shm::array<int, 3> mine(name);
      const auto guard = mine.lock();
      support::die();
    });
  };
  die_inside();
  {
    auto guard = numbers.try_lock();
    REQUIRE(guard.has_value());
    CHECK(guard->owner_died());
    guard->mark_repaired();
  }
  die_inside();
  auto guard = numbers.try_lock_for(1h);
  REQUIRE(guard.has_value());
  CHECK(guard->owner_died());
}

TEST_CASE("a store or update of an object with a deadline is done, or changes nothing") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<telemetry> car(name), same(name);
  CHECK(car.store_for(1h, {1.5, 2}));
  CHECK(car.update_for(1h, [](telemetry& t) { return ++t.gear; }));
  CHECK(car.load().gear == 3);
  {
    const auto held = same.lock();
    CHECK_FALSE(car.store_for(5ms, {0, 9}));
    CHECK_FALSE(car.update_for(0ms, [](telemetry& t) { t.gear = 9; }));
    CHECK(code_of([&] { static_cast<void>(same.store_for(1h, {})); }) == shm::errc::would_deadlock);
  }
  CHECK(car.load().gear == 3);
  CHECK_THROWS_AS(car.update_for(1h,
                                 [](telemetry& t) {
                                   t.gear = 9;
                                   throw std::runtime_error("no");
                                 }),
                  std::runtime_error);
  CHECK(car.load().gear == 3);
  CHECK(car.version() == 3);  // the guard published its draft
  shm::remove(name, shm::force);
  CHECK(code_of([&] { static_cast<void>(car.store_for(1h, {})); }) == shm::errc::removed);
}

TEST_CASE("a handle moves while its update with a deadline runs") {
  const support::name first_name, second_name;
  shm::object<int> first(shm::create_only, first_name, 1), second(shm::create_only, second_name, 2);
  CHECK(first.update_for(1h, [&](int& n) {
    n = 100;
    std::swap(first, second);
  }));
  CHECK(second.load() == 100);
  CHECK(first.load() == 2);
}

TEST_CASE("the version of an array counts its stores and edits in place, through every handle") {
  const support::name name;
  shm::array<int, 300> numbers(name);
  const shm::array<const int, 300> viewer(name);
  const shm::array<int> same(name);
  const shm::array<const int> same_viewer(name);
  const shm::any_object any(name.key());
  const shm::const_any_object any_viewer(name.key());
  const auto check = [&](std::uint64_t expected) {
    CHECK(numbers.version() == expected);
    CHECK(viewer.version() == expected);
    CHECK(same.version() == expected);
    CHECK(same_viewer.version() == expected);
    CHECK(any.version() == expected);
    CHECK(any_viewer.version() == expected);
  };
  check(0);
  numbers.store(0, 1);
  numbers.store(299, 1);
  check(2);
  numbers.update(0, [](int& n) { ++n; });
  check(3);
  static_cast<void>(numbers.load(0));
  static_cast<void>(numbers.snapshot());
  { const auto guard = numbers.lock(); }
  check(3);
  {
    auto guard = numbers.lock();
    guard.store(1, 1);
    guard.raw()[2] = 3;
    guard.raw()[3] = 3;
  }
  check(5);
}

TEST_CASE("an untyped handle tries the lock of what it has open, without waiting") {
  const support::watchdog watchdog;
  const support::name array_name, mutex_name;
  const shm::array<int> numbers(shm::create_only, array_name, 3);
  shm::any_object any(array_name.key());
  CHECK(any.try_lock().has_value());
  {
    holder other(array_name);
    CHECK_FALSE(any.try_lock().has_value());
    CHECK_FALSE(any.try_lock_for(5ms).has_value());
    other.release();
  }
  CHECK(any.try_lock().has_value());
  const shm::mutex mutex(mutex_name);
  support::dies([&] {
    shm::mutex theirs(mutex_name);
    theirs.lock();
    support::die();
  });
  shm::any_object untyped(mutex_name.key());
  CHECK(untyped.version() == 0);
  CHECK(untyped.try_lock().has_value());
  CHECK(mutex.owner_died());  // it was taken over, and noted
}
